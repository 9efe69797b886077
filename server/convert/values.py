"""Free-form JSON, times and days between protobuf's well-known types and Python values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from google.protobuf.struct_pb2 import NULL_VALUE, ListValue, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

EXACT = 2**53
"""Up to here every whole number is exact as a double."""


class NotJsonError(ValueError):
    """A Value that no JSON could have become: of no kind, or a null by another number than null's."""


def json_of(struct: Struct) -> dict[str, Any]:
    """Return a Struct as JSON values; a double that stands for a whole number becomes an int again.

    Raises NotJsonError.
    """
    return {name: plain(value) for name, value in struct.fields.items()}


def struct_of(values: Mapping[str, Any]) -> Struct:
    """Return JSON values as a Struct; whole numbers beyond 2^53 lose their last digits, as JSON readers would."""
    return Struct(fields={str(name): _value(value) for name, value in values.items()})


def timestamp_of(moment: datetime | None) -> Timestamp | None:
    """Return a UTC time; None stays None."""
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(moment.astimezone(UTC))
    return stamp


def plain(value: Value) -> Any:
    """Return one value of a Struct likewise."""
    match value.WhichOneof("kind"):
        case "struct_value":
            return json_of(value.struct_value)
        case "list_value":
            return [plain(item) for item in value.list_value.values]
        case "number_value":
            return _number(value.number_value)
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "null_value" if value.null_value == NULL_VALUE:
            return None
        case _:
            raise NotJsonError("must be a value of JSON")


def _number(number: float) -> int | float:
    return int(number) if number.is_integer() and abs(number) <= EXACT else number


def _value(value: Any) -> Value:
    make = next((make for kind, make in _MAKERS if isinstance(value, kind)), None)
    return make(value) if make else Value(string_value=str(value))


# bool stands before int, which it is too; str before Sequence, likewise.
_MAKERS: tuple[tuple[type | tuple[type, ...], Callable[[Any], Value]], ...] = (
    (type(None), lambda _: Value(null_value=NULL_VALUE)),
    (bool, lambda value: Value(bool_value=value)),
    ((int, float), lambda value: Value(number_value=value)),
    (str, lambda value: Value(string_value=value)),
    (Mapping, lambda value: Value(struct_value=struct_of(value))),
    (Sequence, lambda value: Value(list_value=ListValue(values=[_value(item) for item in value]))),
)
