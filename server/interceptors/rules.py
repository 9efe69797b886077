"""Field rules of the contract as checks: compiled once per message, then asked for every violation of a request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from datapipeline.v1 import options_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from workers.model.failure import Violation

Check = Callable[[Message, str], Iterator[Violation]]

_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\Z")
_OURS = "datapipeline."
# The bounds of google.protobuf.Timestamp.
_FIRST_SECOND, _LAST_SECOND, _NANOS = -62_135_596_800, 253_402_300_799, 10**9


def violations(message: Message, prefix: str = "") -> Iterator[Violation]:
    """Yield what the message's fields, and those of messages in it, may not hold; fields are named by their path."""
    for check in checks(message.DESCRIPTOR):
        yield from check(message, prefix)


@cache
def checks(descriptor: Descriptor) -> tuple[Check, ...]:
    """Return the checks of a message; raises re.error for a pattern that is none."""
    return tuple(check for field in descriptor.fields for check in _of(field))


def rule_of(field: FieldDescriptor) -> options_pb2.FieldRule:
    """Return the rule of a field, empty when it has none."""
    extensions: Any = field.GetOptions().Extensions  # the generated stubs do not type extensions
    rule: options_pb2.FieldRule = extensions[options_pb2.rule]
    return rule


def _of(field: FieldDescriptor) -> Iterator[Check]:
    rule = rule_of(field)
    if field.message_type is not None:
        if rule.required:
            yield _present(field.name)
        if field.message_type.full_name.startswith(_OURS):
            yield _within(field)
        elif field.message_type.full_name == Timestamp.DESCRIPTOR.full_name:
            yield _moment(field.name)
    elif field.type == FieldDescriptor.TYPE_STRING:
        yield from _text(field.name, rule)
    else:
        yield from _bounds(field, rule)


def _present(name: str) -> Check:
    def check(message: Message, prefix: str) -> Iterator[Violation]:
        if not message.HasField(name):
            yield Violation(prefix + name, "is required")

    return check


def _moment(name: str) -> Check:
    """Check a time: on the wire its parts are numbers of any size."""

    def check(message: Message, prefix: str) -> Iterator[Violation]:
        moment: Timestamp = getattr(message, name)
        if not (_FIRST_SECOND <= moment.seconds <= _LAST_SECOND and 0 <= moment.nanos < _NANOS):
            yield Violation(prefix + name, "must be a time of the years 1 to 9999")

    return check


def _within(field: FieldDescriptor) -> Check:
    name, repeated = field.name, field.is_repeated

    def check(message: Message, prefix: str) -> Iterator[Violation]:
        if repeated:
            for index, part in enumerate(getattr(message, name)):
                yield from violations(part, f"{prefix}{name}[{index}].")
        elif message.HasField(name):
            yield from violations(getattr(message, name), f"{prefix}{name}.")

    return check


def _text(name: str, rule: options_pb2.FieldRule) -> Iterator[Check]:
    wrongs = [wrong for applies, wrong in _wrongs(rule) if applies]

    def check(message: Message, prefix: str) -> Iterator[Violation]:
        text: str = getattr(message, name)
        if text:
            yield from (Violation(prefix + name, said) for wrong in wrongs if (said := wrong(text)))
        elif rule.required:
            yield Violation(prefix + name, "is required")

    yield check


def _wrongs(rule: options_pb2.FieldRule) -> Iterator[tuple[object, Callable[[str], str]]]:
    # The journal cannot keep one, and would keep something else in its place.
    yield not rule.pattern, lambda text: "must not hold a NUL character" if "\0" in text else ""
    pattern, longest, words = re.compile(rule.pattern), rule.max_length, tuple(rule.one_of)
    yield rule.pattern, lambda text: "" if pattern.fullmatch(text) else f"must match {rule.pattern}"
    yield longest, lambda text: f"must have at most {longest} characters" if len(text) > longest else ""
    yield rule.uuid, lambda text: "" if _UUID.match(text) else "must be a UUID"
    yield words, lambda text: "" if text in words else f"must be one of {', '.join(words)}"


def _bounds(field: FieldDescriptor, rule: options_pb2.FieldRule) -> Iterator[Check]:
    """Check a number; one that is optional may be left out."""
    name, optional = field.name, field.has_presence
    wrongs = [wrong for applies, wrong in _wrong_numbers(rule) if applies]

    def check(message: Message, prefix: str) -> Iterator[Violation]:
        if not optional or message.HasField(name):
            number: int = getattr(message, name)
            yield from (Violation(prefix + name, said) for wrong in wrongs if (said := wrong(number)))

    if wrongs:
        yield check


def _wrong_numbers(rule: options_pb2.FieldRule) -> Iterator[tuple[bool, Callable[[int], str]]]:
    least, most = rule.minimum, rule.maximum
    yield rule.has_minimum, lambda number: f"must be at least {least}" if number < least else ""
    yield rule.has_maximum, lambda number: f"must be at most {most}" if number > most else ""
