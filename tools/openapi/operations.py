"""Operations of the HTTP bindings: path, parameters, body, answers and keys of one method of the contract."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen
from datapipeline.v1 import options_pb2
from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor

from tools.openapi.policy import policy_of
from tools.openapi.responses import responses
from tools.openapi.schemas import Schemas, nullable, rule_of

KEYS = {
    options_pb2.CALLER_ORG: ("orgKey", "X-API-Key", "An organisation's key."),
    options_pb2.CALLER_ROOT: ("rootKey", "X-CA-Root-Key", "The platform's root key."),
}

_VARIABLE = re.compile(r"\{([a-z_]+)\}")
_IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key and request give the same run, for 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[\\x20-\\x7e]+$"},
}


@frozen
class Operation:
    """One binding of one method: an entry of the document's paths."""

    path: str
    verb: str
    content: Mapping[str, Any]


def operations(method: MethodDescriptor, schemas: Schemas, said: Mapping[str, str]) -> Iterator[Operation]:
    """Yield an operation for each binding of a method, its own first."""
    for number, rule in enumerate(_bindings(method)):
        verb, path = _route(rule)
        bound = _VARIABLE.findall(path)
        content: dict[str, Any] = {
            "operationId": method.name if number == 0 else f"{method.name}_{verb}_{number}",
            "tags": [method.containing_service.name],
            "description": said.get(method.full_name, ""),
            "parameters": _parameters(method, rule, bound, schemas),
            "security": _security(method),
            "responses": responses(method, rule, schemas, said),
        }
        if rule.body:
            content["requestBody"] = {"content": {"application/json": {"schema": _body(method, rule, bound, schemas)}}}
        yield Operation(path, verb, content)


def _bindings(method: MethodDescriptor) -> list[http_pb2.HttpRule]:
    extensions: Any = method.GetOptions().Extensions  # likewise
    rule: http_pb2.HttpRule = extensions[annotations_pb2.http]
    return [rule, *rule.additional_bindings]


def _route(rule: http_pb2.HttpRule) -> tuple[str, str]:
    kind = rule.WhichOneof("pattern") or ""
    return (rule.custom.kind.lower(), rule.custom.path) if kind == "custom" else (kind, getattr(rule, kind))


def _parameters(
    method: MethodDescriptor, rule: http_pb2.HttpRule, bound: list[str], schemas: Schemas
) -> list[dict[str, Any]]:
    fields = method.input_type.fields_by_name
    found = [_parameter(fields[name], "path", schemas) for name in bound]
    queried = [one for one in method.input_type.fields if one.name not in {*bound, rule.body} and not rule.body]
    found += [_parameter(one, "query", schemas) for one in queried if not rule_of(one).body_of]
    return [*found, _IDEMPOTENCY] if policy_of(method).starts_run else found


def _parameter(field: FieldDescriptor, place: str, schemas: Schemas) -> dict[str, Any]:
    schema = schemas.field(field)
    said = schema.pop("description", "")
    parameter = {"name": field.name, "in": place, "schema": schema, "description": said}
    return parameter | {"required": True} if place == "path" else parameter


def _body(method: MethodDescriptor, rule: http_pb2.HttpRule, bound: list[str], schemas: Schemas) -> dict[str, Any]:
    message = method.input_type
    field = message.fields_by_name[rule.body]
    members_of = rule_of(field).body_of
    if not members_of:
        return nullable(schemas.field(field))
    target = (None if members_of == "." else message.fields_by_name[members_of].message_type) or message
    taken = {*bound, rule.body} if target is message else set()
    return schemas.body(target, (one for one in target.fields if one.name not in taken))


def _security(method: MethodDescriptor) -> list[dict[str, list[str]]]:
    return [{KEYS[caller][0]: []} for caller in policy_of(method).callers if caller in KEYS]
