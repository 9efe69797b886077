"""What the edge reads of the contract: given the descriptor set, hands on its services and the names paths bind."""

from __future__ import annotations

import base64
import re
from pathlib import Path

from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2

PACKAGE = "datapipeline.v1"
_PATH_VARIABLE = re.compile(r"\{([a-z_]+)\}")


def descriptor_set(path: Path) -> descriptor_pb2.FileDescriptorSet:
    """Read the contract without its comments."""
    files = descriptor_pb2.FileDescriptorSet.FromString(path.read_bytes())
    for file in files.file:
        file.ClearField("source_code_info")
    return files


def path_variables(files: descriptor_pb2.FileDescriptorSet) -> set[str]:
    """Return every name that a path binds, over all methods and bindings."""
    rules: list[http_pb2.HttpRule] = [
        method.options.Extensions[annotations_pb2.http]  # type: ignore[index] # untyped generated code
        for service in services(files)
        for method in service.method
    ]
    bindings = [binding for rule in rules for binding in (rule, *rule.additional_bindings)]
    return {name for binding in bindings for name in _PATH_VARIABLE.findall(_path(binding))}


def _path(rule: http_pb2.HttpRule) -> str:
    pattern = rule.WhichOneof("pattern")
    return rule.custom.path if pattern == "custom" else getattr(rule, pattern)


def services(files: descriptor_pb2.FileDescriptorSet) -> list[descriptor_pb2.ServiceDescriptorProto]:
    """Return the services of our own package."""
    return [service for file in files.file if file.package == PACKAGE for service in file.service]


def embedded(files: descriptor_pb2.FileDescriptorSet) -> str:
    """Return the set as base64, as Envoy reads bytes."""
    return base64.b64encode(files.SerializeToString(deterministic=True)).decode()
