"""Reads REST bodies strictly: given a request, sets what its body holds in the fields and names what does not fit.

The edge would drop members that a typed body does not know, so REST bodies arrive as a Struct; the rule `body_of` of
its field says whose members they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import NULL_VALUE, Struct, Value

from server.interceptors.rules import rule_of
from workers.model.failure import Violation

MOST_BYTES = 64 * 1024
"""Encoded; far above what any body may hold, so that more is not even looked at."""
ITSELF = "."

_OURS = "datapipeline."
_WANTED: dict[int, tuple[tuple[type, ...], str]] = {
    FieldDescriptor.CPPTYPE_BOOL: ((bool,), "true or false"),
    FieldDescriptor.CPPTYPE_STRING: ((str,), "text"),
    FieldDescriptor.CPPTYPE_ENUM: ((str,), "a name of its list"),
    FieldDescriptor.CPPTYPE_INT32: ((int, float), "a whole number"),
    FieldDescriptor.CPPTYPE_DOUBLE: ((int, float), "a number"),
}
_WANTED_MESSAGES = {"google.protobuf.Timestamp": "a time such as 2026-01-31T00:00:00Z"}


def body_violations(request: Message) -> Iterator[Violation]:
    """Move the members of the request's body to the fields they name; yield every one that cannot be."""
    for name, target in _bodies(request.DESCRIPTOR):
        body = Struct()
        body.CopyFrom(getattr(request, name))
        request.ClearField(name)
        if body.ByteSize() > MOST_BYTES:
            yield Violation(name, "is too large")
        elif target == ITSELF:
            yield from _set_members(request, body, "")
        elif body.fields:
            yield from _set_members(getattr(request, target), body, f"{target}.")


@cache
def _bodies(descriptor: Descriptor) -> tuple[tuple[str, str], ...]:
    return tuple((field.name, rule_of(field).body_of) for field in descriptor.fields if rule_of(field).body_of)


@cache
def _fields(descriptor: Descriptor) -> dict[str, FieldDescriptor]:
    return {field.name: field for field in descriptor.fields}


def _set_members(into: Message, body: Struct, prefix: str) -> Iterator[Violation]:
    fields = _fields(into.DESCRIPTOR)
    given = {field.name for field, _ in into.ListFields()}
    for name, value in body.fields.items():
        field = fields.get(name)
        if field is None or rule_of(field).body_of:
            yield Violation(prefix + name, "is not known")
        elif rule_of(field).path:
            yield Violation(prefix + name, "is named by the path")
        elif name in given:
            yield Violation(prefix + name, "is given twice")
        else:
            yield from _set(into, field, value, prefix + name)


def _set(into: Message, field: FieldDescriptor, value: Value, path: str) -> Iterator[Violation]:
    """Set one field; null leaves it unset."""
    kind = value.WhichOneof("kind")
    if kind == "null_value" and value.null_value == NULL_VALUE:
        return
    if kind == "struct_value" and _is_ours(field):
        yield from _set_members(getattr(into, field.name), value.struct_value, f"{path}.")
        return
    try:
        plain = json_format.MessageToDict(value)
        fits = _fits(field, plain)
        if fits:
            json_format.ParseDict({field.name: plain}, into)
    except (json_format.Error, ValueError):
        fits = False
    if not fits:
        into.ClearField(field.name)
        yield Violation(path, f"must be {_wanted(field)}")


def _is_ours(field: FieldDescriptor) -> bool:
    message = field.message_type
    return message is not None and message.full_name.startswith(_OURS) and not field.is_repeated


def _fits(field: FieldDescriptor, plain: Any) -> bool:
    """Whether it is of the kind itself: protobuf would read the text "3" as a number, too."""
    if field.is_repeated and not isinstance(plain, list):
        return False
    kinds, _ = _WANTED.get(field.cpp_type, ((), ""))
    return not kinds or all(type(item) in kinds for item in (plain if field.is_repeated else [plain]))


def _wanted(field: FieldDescriptor) -> str:
    _, one = _WANTED.get(field.cpp_type, ((), "an object"))
    if field.message_type is not None:
        one = _WANTED_MESSAGES.get(field.message_type.full_name, one)
    return f"a list, each {one}" if field.is_repeated else one
