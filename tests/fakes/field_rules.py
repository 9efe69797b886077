"""What the rules of the contract say of a request, read a second time and plainly: an oracle for the server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from datapipeline.v1 import options_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


def wrong_fields(message: Message, prefix: str = "") -> set[str]:
    """Return the paths of the fields that break a rule."""
    return {prefix + name for name in _wrong(message)}


def carries_body(message: Message) -> bool:
    """Whether a field that stands for a REST body holds anything."""
    return any(rule_of(field).body_of and value.fields for field, value in message.ListFields())


def rule_of(field: Any) -> options_pb2.FieldRule:
    """Return the rule of a field, empty when it has none."""
    extensions: Any = field.GetOptions().Extensions  # the generated stubs do not type extensions
    rule: options_pb2.FieldRule = extensions[options_pb2.rule]
    return rule


def _wrong(message: Message) -> Iterator[str]:
    for field in message.DESCRIPTOR.fields:
        rule, value = rule_of(field), getattr(message, field.name)
        if field.is_repeated:
            continue
        if field.message_type is not None:
            yield from _wrong_part(message, field.name, rule, value)
        elif field.type == FieldDescriptor.TYPE_STRING and (rule.required or value):
            yield from [] if value and _is_text(rule, value) else [field.name]
        elif field.type == FieldDescriptor.TYPE_INT32 and (not field.has_presence or message.HasField(field.name)):
            yield from [] if _is_number(rule, value) else [field.name]


def _wrong_part(message: Message, name: str, rule: options_pb2.FieldRule, part: Message) -> Iterator[str]:
    if not message.HasField(name):
        yield from [name] if rule.required else []
    elif isinstance(part, Timestamp):
        yield from [] if _is_moment(part) else [name]
    elif part.DESCRIPTOR.file.package == "datapipeline.v1":
        yield from wrong_fields(part, f"{name}.")


def _is_text(rule: options_pb2.FieldRule, text: str) -> bool:
    return (
        "\0" not in text
        and (not rule.pattern or re.fullmatch(rule.pattern, text) is not None)
        and (not rule.max_length or len(text) <= rule.max_length)
        and (not rule.uuid or UUID.fullmatch(text) is not None)
        and (not rule.one_of or text in rule.one_of)
    )


def _is_moment(moment: Timestamp) -> bool:
    """Whether JSON could say it."""
    try:
        return bool(moment.ToJsonString())
    except ValueError:
        return False


def _is_number(rule: options_pb2.FieldRule, number: int) -> bool:
    return (not rule.has_minimum or number >= rule.minimum) and (not rule.has_maximum or number <= rule.maximum)
