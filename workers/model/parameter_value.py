"""One value of a declared parameter, from JSON's types to the parameter's own."""

from __future__ import annotations

import re
from typing import Any

from workers.model.days import parse_day
from workers.model.pipeline import Parameter, ParameterType

MOST_TEXT = 4 * 1024
LARGEST_INT = 2**53


def type_value(parameter: Parameter, value: Any) -> Any:
    """Return the value in the parameter's type, JSON-ready; raise ValueError saying what it must be."""
    match parameter.type:
        case ParameterType.BOOL:
            return _bool(value)
        case ParameterType.INT:
            return _int(value)
        case ParameterType.DATE:
            return parse_day(_text(value)).isoformat()
        case ParameterType.ENUM:
            if value not in parameter.values:
                raise ValueError(f"must be one of {', '.join(parameter.values)}")
            return value
        case ParameterType.STRING:
            text = _text(value)
            if parameter.pattern and not re.fullmatch(parameter.pattern, text):
                raise ValueError(f"must match {parameter.pattern}")
            return text


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004 - one kind of error for every mismatch
    return value


def _int(value: Any) -> int:
    # protobuf's Struct knows only doubles, so a whole one is an integer
    whole = isinstance(value, float) and value.is_integer()
    if isinstance(value, bool) or not (isinstance(value, int) or whole):
        raise ValueError("must be a whole number")
    if abs(value) > LARGEST_INT:
        raise ValueError(f"must be between -{LARGEST_INT} and {LARGEST_INT}")
    return int(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a text")  # noqa: TRY004 - likewise
    if not value.strip():
        raise ValueError("must not be blank")
    if "\x00" in value:
        raise ValueError("must not hold a NUL character")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("must be valid Unicode")
    if len(value.encode()) > MOST_TEXT:
        raise ValueError(f"must be at most {MOST_TEXT} bytes")
    return value
