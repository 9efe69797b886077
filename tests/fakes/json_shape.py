"""Checks a JSON value against the part of JSON Schema that the stored response schemas use, and refuses the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schemas = Mapping[str, Any]

_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}
_KEYWORDS = {"$ref", "anyOf", "discriminator", "enum", "items", "properties", "required", "type"}


def shape_errors(schemas: Schemas, name: str, value: Any) -> list[str]:
    """Return what is wrong with the value as an instance of the named schema, each with its path."""
    return _check(schemas, {"$ref": f"#/{name}"}, value, "$")


def _check(schemas: Schemas, schema: Mapping[str, Any], value: Any, path: str) -> list[str]:
    if unknown := schema.keys() - _KEYWORDS:
        raise ValueError(f"{path}: the stored schemas use keywords that are not checked here: {sorted(unknown)}")
    if "$ref" in schema:
        return _check(schemas, schemas[schema["$ref"].removeprefix("#/")], value, path)
    if "discriminator" in schema:
        return _discriminated(schemas, schema["discriminator"], value, path)
    if "anyOf" in schema:
        tried = [_check(schemas, each, value, path) for each in schema["anyOf"]]
        return [] if not all(tried) else tried[0]
    if not _has_type(schema["type"], value):
        return [f"{path}: {value!r} is not {schema['type']}"]
    if value not in schema.get("enum", [value]):
        return [f"{path}: {value!r} is none of {schema['enum']}"]
    return _members(schemas, schema, value, path)


def _has_type(name: str, value: Any) -> bool:
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def _discriminated(schemas: Schemas, kinds: Mapping[str, str], value: Any, path: str) -> list[str]:
    if not isinstance(value, dict) or value.get("object") not in kinds:
        return [f"{path}: not one of {sorted(kinds)}"]
    return _check(schemas, {"$ref": kinds[value["object"]]}, value, path)


def _members(schemas: Schemas, schema: Mapping[str, Any], value: Any, path: str) -> list[str]:
    if schema["type"] == "array":
        checked = [_check(schemas, schema["items"], item, f"{path}[{place}]") for place, item in enumerate(value)]
        return [error for errors in checked for error in errors]
    if schema["type"] != "object":
        return []
    errors = [f"{path}: {name} is missing" for name in schema.get("required", []) if name not in value]
    for name, member in schema["properties"].items():
        if name in value:
            errors += _check(schemas, member, value[name], f"{path}.{name}")
    return errors
