"""Values as APIs write them, as the types of columns: exact or not at all, and an error never shows the value.

JSON has neither days nor instants nor decimals, and CSV has only text; each column type says what it takes for its own.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from workers.model.table import Column

Convert = Callable[[Any], Any]

_INTEGER = re.compile(r"[+-]?[0-9]{1,20}\Z", re.ASCII)
_DECIMAL = re.compile(r"[+-]?[0-9]{1,80}(\.[0-9]{1,80})?([eE][+-]?[0-9]{1,3})?\Z", re.ASCII)
_COUNTED = re.compile(r"-?[0-9]{9,19}\Z", re.ASCII)
# Python reads the thirteen digits of some milliseconds as a day of the year 1712, and a time.
_DASHED = re.compile(r"[0-9]{4}-", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Seconds, milliseconds, microseconds and nanoseconds are told apart by size; each bound is the year 5138 in its unit.
_UNITS = ((10**11, 1_000_000), (10**14, 1000), (10**17, 1))
_WORDS = {"true": True, "false": False}


def converter(column: Column) -> Convert:
    """Return what converts a value for a column; null stays null. It raises ValueError with words that fit «is …»."""
    convert = _CONVERSIONS[column.type]
    if column.mode == "REPEATED":
        return lambda value: [] if value is None else [convert(item) for item in _list(value)]
    return lambda value: None if value is None else convert(value)


def is_convertible(column: Column) -> bool:
    """Whether there is a conversion to the column's type."""
    return column.type in _CONVERSIONS


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"is {kind_of(value)}, not a list")  # noqa: TRY004 - one kind of error
    return value


def kind_of(value: Any) -> str:
    """Say what a value is in JSON's words, without showing it."""
    for kinds, words in _KINDS:
        if isinstance(value, kinds):
            return words
    return f"a {type(value).__name__}"


_KINDS: tuple[tuple[Any, str], ...] = (
    (bool, "true or false"),
    (str, "a text"),
    ((int, float, Decimal), "a number"),
    (list, "a list"),
    (Mapping, "an object"),
)


def _unfit(value: Any, wanted: str) -> ValueError:
    return ValueError(f"is {kind_of(value)}, not {wanted}")


def _string(value: Any) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | Decimal():
            return str(value)
        case _:
            raise _unfit(value, "a text")


def _int(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    if isinstance(value, str) and _INTEGER.match(value):
        return int(value)
    raise _unfit(value, "a whole number")


def _numeric(value: Any) -> Decimal:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str) and _DECIMAL.match(value):
        try:
            return Decimal(value)
        except InvalidOperation:
            raise _unfit(value, "a decimal number") from None
    raise _unfit(value, "a decimal number")


def _bool(value: Any) -> bool:
    if isinstance(value, str):
        value = _WORDS.get(value.lower(), value)
    if not isinstance(value, bool):
        raise _unfit(value, "true or false")
    return value


def _date(value: Any) -> date:
    try:
        if isinstance(value, str) and len(value) == len("2025-01-01"):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise _unfit(value, "a day written YYYY-MM-DD")


def _timestamp(value: Any) -> datetime:
    """Take RFC 3339 (UTC where no zone stands), or a number since 1970 in the unit that its size tells."""
    try:
        if isinstance(value, str) and _COUNTED.match(value):
            value = int(value)
        if isinstance(value, str) and _DASHED.match(value):
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return _EPOCH + timedelta(microseconds=_microseconds(value))
    except (ValueError, OverflowError, InvalidOperation):
        pass
    raise _unfit(value, "a time written as RFC 3339 or counted from 1970")


def _microseconds(number: Any) -> int:
    for bound, factor in _UNITS:
        if abs(number) < bound:
            return int(number * factor)
    return int(number // 1000)


def _datetime(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) and _DASHED.match(value) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None:
        raise _unfit(value, "a date and time without a zone")
    return moment


def _time(value: Any) -> time:
    try:
        found = time.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None:
        raise _unfit(value, "a time of day")
    return found


def _bytes(value: Any) -> bytes:
    try:
        if isinstance(value, str):
            return base64.b64decode(value, validate=True)
    except ValueError:
        pass
    raise _unfit(value, "base64")


def _json(value: Any) -> Any:
    # The warehouse takes a text for JSON that is encoded already.
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else value


_CONVERSIONS: Mapping[str, Convert] = {
    "STRING": _string,
    "BYTES": _bytes,
    "INT64": _int,
    "FLOAT64": _numeric,
    "NUMERIC": _numeric,
    "BIGNUMERIC": _numeric,
    "BOOL": _bool,
    "DATE": _date,
    "DATETIME": _datetime,
    "TIME": _time,
    "TIMESTAMP": _timestamp,
    "JSON": _json,
}
