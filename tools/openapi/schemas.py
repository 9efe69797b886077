"""What messages look like as JSON: protobuf's JSON mapping with the rules of the fields, as JSON Schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from datapipeline.v1 import options_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor

Schema = dict[str, Any]

# As the edge prints them: https://protobuf.dev/programming-guides/json/
_WELL_KNOWN: Mapping[str, Schema] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Struct": {"type": "object", "additionalProperties": True},
    "google.protobuf.Value": {},
}
_SCALARS: Mapping[int, Schema] = {
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.TYPE_DOUBLE: {"type": "number", "format": "double"},
}

ERROR: Schema = {
    "type": "object",
    "description": "Every refusal and failure, at every layer.",
    "required": ["code", "message"],
    "properties": {
        "code": {"type": "integer", "description": "Code of gRPC."},
        "message": {"type": "string", "description": "What is wrong, naming the field or file."},
        "details": {
            "type": "array",
            "description": "ErrorInfo with a stable reason; BadRequest and RetryInfo where they apply.",
            "items": {"type": "object", "required": ["@type"], "properties": {"@type": {"type": "string"}}},
        },
    },
}


class Schemas:
    """Collects the messages that are referred to; `said` are the comments by full name."""

    def __init__(self, said: Mapping[str, str]) -> None:
        self._said = said
        self._found: dict[str, Schema] = {"Error": ERROR}

    def all(self) -> dict[str, Schema]:
        """Return what was referred to, by name."""
        return dict(sorted(self._found.items()))

    def message(self, message: Descriptor) -> Schema:
        """Refer to a message; it is written down once."""
        if message.full_name in _WELL_KNOWN:
            return dict(_WELL_KNOWN[message.full_name])
        if message.name not in self._found:
            self._found[message.name] = {}
            self._found[message.name] = self.members(message, message.fields)
        return {"$ref": f"#/components/schemas/{message.name}"}

    def body(self, message: Descriptor, fields: Iterable[FieldDescriptor]) -> Schema:
        """Write a body that admits these fields of a message only; null counts as nothing, for a field and for all."""
        schema = self.members(message, fields)
        members = {name: nullable(member) for name, member in schema["properties"].items()}
        needed = {name: schema["properties"][name] for name in schema.get("required", ())}
        whole = schema | {"properties": members | needed, "additionalProperties": False}
        return whole if needed else nullable(whole)

    def members(self, message: Descriptor, fields: Iterable[FieldDescriptor]) -> Schema:
        """Write an object of some fields of a message."""
        chosen = list(fields)
        schema: Schema = {"type": "object", "properties": {field.name: self.field(field) for field in chosen}}
        if said := self._said.get(message.full_name):
            schema["description"] = said
        if required := [field.name for field in chosen if rule_of(field).required]:
            schema["required"] = required
        return schema

    def field(self, field: FieldDescriptor) -> Schema:
        """Write what a field holds, with its rule and its comment."""
        one = self._one(field)
        schema = {"type": "array", "items": one} if field.is_repeated and not _is_map(field) else one
        said = self._said.get(field.full_name)
        return schema | {"description": said} if said else schema

    def _one(self, field: FieldDescriptor) -> Schema:
        message = field.message_type
        if message is not None and message.GetOptions().map_entry:
            return {"type": "object", "additionalProperties": self._one(message.fields_by_name["value"])}
        if message is not None:
            return self.message(message)
        return _SCALARS[field.type] | _bounds(rule_of(field))


def nullable(schema: Schema) -> Schema:
    """Return a schema that admits null, too."""
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    listed = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return schema | {"type": [schema["type"], "null"]} | listed


def rule_of(field: FieldDescriptor) -> options_pb2.FieldRule:
    """Return the rule of a field, empty when it has none."""
    extensions: Any = field.GetOptions().Extensions  # the generated stubs do not type extensions
    rule: options_pb2.FieldRule = extensions[options_pb2.rule]
    return rule


def _bounds(rule: options_pb2.FieldRule) -> Schema:
    bounds: Schema = {}
    if rule.pattern:
        bounds["pattern"] = f"^(?:{rule.pattern})$" if rule.required else f"^(?:{rule.pattern})?$"
    elif rule.max_length:
        bounds["pattern"] = "^[^\\x00]*$"
    if rule.max_length:
        bounds["maxLength"] = rule.max_length
    if rule.uuid:
        bounds["format"] = "uuid"
    if rule.has_minimum:
        bounds["minimum"] = rule.minimum
    if rule.has_maximum:
        bounds["maximum"] = rule.maximum
    if rule.one_of:
        bounds["enum"] = [*rule.one_of, *([] if rule.required else [""])]
    return bounds


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry
