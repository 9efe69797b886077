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
    methods = [method for service in services(files) for method in service.method]
    return {name for method in methods for rule in _bindings(method) for name in _bound(rule)}


def query_numbers(files: descriptor_pb2.FileDescriptorSet) -> set[str]:
    """Return every whole number that a query may give, over all methods and bindings."""
    methods = [method for service in services(files) for method in service.method]
    messages = {f".{file.package}.{message.name}": message for file in files.file for message in file.message_type}
    return {
        field.name
        for method in methods
        for rule in _bindings(method)
        if rule.body != "*"
        for field in messages[method.input_type].field
        if field.type == descriptor_pb2.FieldDescriptorProto.TYPE_INT32 and field.name not in _bound(rule)
    }


def _bindings(method: descriptor_pb2.MethodDescriptorProto) -> list[http_pb2.HttpRule]:
    rule: http_pb2.HttpRule = method.options.Extensions[annotations_pb2.http]  # type: ignore[index] # untyped generated code
    return [rule, *rule.additional_bindings]


def _bound(rule: http_pb2.HttpRule) -> list[str]:
    return _PATH_VARIABLE.findall(_path(rule))


def _path(rule: http_pb2.HttpRule) -> str:
    pattern = rule.WhichOneof("pattern")
    return rule.custom.path if pattern == "custom" else getattr(rule, pattern)


def services(files: descriptor_pb2.FileDescriptorSet) -> list[descriptor_pb2.ServiceDescriptorProto]:
    """Return the services of our own package."""
    return [service for file in files.file if file.package == PACKAGE for service in file.service]


def embedded(files: descriptor_pb2.FileDescriptorSet) -> str:
    """Return the set as base64, as Envoy reads bytes."""
    return base64.b64encode(files.SerializeToString(deterministic=True)).decode()
