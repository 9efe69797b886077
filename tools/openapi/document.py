"""The whole document: services of the contract in, OpenAPI 3.1 as JSON out."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from tools.openapi.comments import comments
from tools.openapi.operations import KEYS, operations
from tools.openapi.responses import refusals
from tools.openapi.schemas import Schemas

PACKAGE = "datapipeline.v1"
_PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def openapi(files: FileDescriptorSet) -> str:
    """Return the document; methods stand in the order of their files."""
    said = comments(files)
    schemas = Schemas(said)
    paths: dict[str, dict[str, Any]] = {}
    declared = _services(files)
    for service in declared:
        for method in service.methods:
            for operation in operations(method, schemas, said):
                paths.setdefault(operation.path, {})[operation.verb] = operation.content
    project = tomllib.loads(_PROJECT.read_text())["project"]
    document = {
        "openapi": "3.1.0",
        "info": {"title": project["name"], "version": project["version"], "description": project["description"]},
        "tags": [{"name": one.name, "description": said.get(one.full_name, "")} for one in declared],
        "paths": paths,
        "components": {
            "schemas": schemas.all(),
            "responses": refusals(),
            "securitySchemes": {
                name: {"type": "apiKey", "in": "header", "name": header, "description": about}
                for name, header, about in KEYS.values()
            },
        },
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _services(files: FileDescriptorSet) -> list[ServiceDescriptor]:
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    names = [f"{PACKAGE}.{one.name}" for file in files.file if file.package == PACKAGE for one in file.service]
    return [pool.FindServiceByName(name) for name in names]
