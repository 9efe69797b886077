"""Requests of any kind, made from the descriptor: mostly what the rules allow, with a few fields that are hostile.

Given a message type and what is known (field name → texts that name something there), hands on Hypothesis strategies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from datapipeline.v1 import options_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.struct_pb2 import NULL_VALUE, ListValue, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import strategies as st

from tests.fakes.field_rules import rule_of

Known = Mapping[str, Sequence[str]]
Drawn = st.SearchStrategy[Any]

SECONDS_OF_YEARS = -62_135_596_800, 253_402_300_799
NUL = "\x00"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
HOSTILE_TEXTS = st.one_of(
    TEXTS,
    st.sampled_from(
        [
            *(" ", "\n", NUL, "a" + NUL, "null", "None", "-", "0", "\u202eabc", "\u0430cme", "🦣", "\ufeff", "\ufffe"),
            *("'; DROP TABLE run; --", "{{7*7}}", "${secret}", "%s%n", "../../etc/passwd", "a" * 65, "a" * 5000),
        ]
    ),
)
HOSTILE_NUMBERS = st.sampled_from([-1, -(2**31), 2**31 - 1, 101, 10**6, 10**9]) | st.integers(-(2**31), 2**31 - 1)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**60), 2**60).map(float)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def messages(descriptor: Descriptor, known: Known) -> st.SearchStrategy[Message]:
    """Draw messages of a type; at most two of their fields are hostile."""
    return st.sets(st.sampled_from(sorted(descriptor.fields_by_name) or [""]), max_size=2).flatmap(
        lambda hostile: st.fixed_dictionaries(
            {}, optional={one.name: _field(one, known, hostile=one.name in hostile) for one in descriptor.fields}
        ).map(lambda values: _made(descriptor, values))
    )


def full_messages(descriptor: Descriptor, known: Known) -> st.SearchStrategy[Message]:
    """Draw messages that the rules allow: every field that has a rule is set, no body is."""
    wanted = {one.name: _field(one, known, hostile=False) for one in descriptor.fields if not rule_of(one).body_of}
    ruled = {one.name for one in descriptor.fields if rule_of(one).ByteSize()}
    needed = {name: drawn for name, drawn in wanted.items() if name in ruled}
    others = {name: drawn for name, drawn in wanted.items() if name not in ruled}
    return st.fixed_dictionaries(needed, optional=others).map(lambda values: _made(descriptor, values))


def structs(values: Drawn = JSON_VALUES, names: Drawn = TEXTS) -> st.SearchStrategy[Struct]:
    """Draw JSON objects as protobuf has them."""
    return st.dictionaries(names, values, max_size=4).map(_struct)


def hostile_structs() -> st.SearchStrategy[Struct]:
    """Draw objects that JSON cannot say, and such as are far too deep or wide."""
    return st.sampled_from(
        [
            Struct(fields={"a": Value()}),
            Struct(fields={"a": Value(number_value=float("nan")), "b": Value(number_value=float("-inf"))}),
            Struct(fields={"date": Value(number_value=float("inf")), "note": Value(list_value=ListValue())}),
            Struct(fields={"note": _deep(29)}),
            Struct(fields={"note": Value(string_value=NUL)}),
            Struct(fields={NUL: Value(bool_value=True), "": Value(null_value=NULL_VALUE)}),
            Struct(fields={f"key_{number}": Value(number_value=number) for number in range(2000)}),
            Struct(fields={"note": Value(string_value="x" * 70_000)}),
        ]
    )


def _field(field: FieldDescriptor, known: Known, *, hostile: bool) -> Drawn:
    one = _hostile(field, known) if hostile else _allowed(field, known)
    return st.lists(one, max_size=3) if field.is_repeated else one


def _allowed(field: FieldDescriptor, known: Known) -> Drawn:
    if field.message_type is not None:
        return _part(field, known, hostile=False)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return st.booleans()
    rule = rule_of(field)
    if field.cpp_type == FieldDescriptor.CPPTYPE_INT32:
        least = rule.minimum if rule.has_minimum else -(2**31)
        most = rule.maximum if rule.has_maximum else 2**31 - 1
        return st.sampled_from([least, most]) | st.integers(least, min(most, least + 50))
    named = known.get(field.name, ())
    return st.sampled_from(named) | _ruled(rule) if named else _ruled(rule)


def _ruled(rule: options_pb2.FieldRule) -> st.SearchStrategy[str]:
    empty = st.nothing() if rule.required else st.just("")
    if rule.uuid:
        return st.uuids().map(str) | st.uuids().map(lambda one: str(one).upper()) | empty
    if rule.one_of:
        return st.sampled_from(list(rule.one_of)) | empty
    if rule.pattern:
        return st.from_regex(rule.pattern, fullmatch=True) | empty
    longest = rule.max_length or 30
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=min(longest, 30)) | st.just("é" * longest)


def _hostile(field: FieldDescriptor, known: Known) -> Drawn:
    if field.message_type is not None:
        return _part(field, known, hostile=True)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return st.booleans()
    if field.cpp_type == FieldDescriptor.CPPTYPE_INT32:
        return HOSTILE_NUMBERS
    longest = rule_of(field).max_length
    return HOSTILE_TEXTS | st.just("é" * (longest + 1)) if longest else HOSTILE_TEXTS


def _part(field: FieldDescriptor, known: Known, *, hostile: bool) -> Drawn:
    part: Any = field.message_type
    if part.full_name == Timestamp.DESCRIPTOR.full_name:
        extremes = st.builds(
            Timestamp, seconds=st.integers(-(2**63), 2**63 - 1), nanos=st.integers(-(2**31), 2**31 - 1)
        )
        return extremes if hostile else st.builds(Timestamp, seconds=st.integers(*SECONDS_OF_YEARS))
    if part.full_name == Struct.DESCRIPTOR.full_name:
        names = st.sampled_from(known.get("members", ("note",))) | TEXTS
        return hostile_structs() | structs(names=names) if hostile else structs(names=names)
    return messages(part, known) if hostile else full_messages(part, known)


def _made(descriptor: Descriptor, values: Mapping[str, Any]) -> Message:
    return GetMessageClass(descriptor)(**values)


def _struct(values: Mapping[str, Any]) -> Struct:
    made = Struct()
    made.update(values)
    return made


def _deep(levels: int) -> Value:
    value = Value(bool_value=True)
    for _ in range(levels):
        value = Value(list_value=ListValue(values=[value]))
    return value
