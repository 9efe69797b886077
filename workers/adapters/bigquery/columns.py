"""Values as Arrow columns: each BigQuery type accepts its own Python types and nothing near them.

Given a column and its values; hands on an array, or says which value does not fit without showing it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import Any

import pyarrow as pa
from attrs import frozen

from workers.adapters.bigquery.json_text import json_texts
from workers.model.table import Column


class UnfitError(ValueError):
    """A value that its column cannot hold exactly, at an index; `why` does not show it."""

    def __init__(self, index: int, why: str) -> None:
        super().__init__(why)
        self.index = index
        self.why = why


@frozen
class _Kind:
    """How values of a type become Arrow's; those of `plain` types Arrow takes by itself, exactly as `read` does."""

    arrow: pa.DataType
    read: Callable[[Any], Any]
    plain: frozenset[type] = frozenset()


def _only(*types: type, never: tuple[type, ...] = ()) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not isinstance(value, types) or isinstance(value, never):
            raise TypeError(type(value).__name__)
        return value

    return read


_LIST = _only(list, tuple)


def _numeric(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        raise TypeError(type(value).__name__)
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError("not a finite number")
    return number


def _float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, float | int | Decimal):
        raise TypeError(type(value).__name__)
    number = float(value)
    if not isfinite(number):
        raise ValueError("not a finite number")
    return number


def _timestamp(value: Any) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise TypeError("no time zone")
    return value.astimezone(UTC)


def _datetime(value: Any) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is not None:
        raise TypeError("a time zone")
    return value


def _json(value: Any) -> str:
    """Take a str for JSON text that is encoded already."""
    if not isinstance(value, str):
        return json_texts([value])[0]
    json.loads(value)
    return value


_NULL = type(None)
_KINDS = {
    "STRING": _Kind(pa.string(), _only(str), frozenset({str, _NULL})),
    "BYTES": _Kind(pa.binary(), _only(bytes), frozenset({bytes, _NULL})),
    "BOOL": _Kind(pa.bool_(), _only(bool), frozenset({bool, _NULL})),
    "INT64": _Kind(pa.int64(), _only(int, never=(bool,)), frozenset({int, _NULL})),
    "FLOAT64": _Kind(pa.float64(), _float),
    "NUMERIC": _Kind(pa.decimal128(38, 9), _numeric),
    "BIGNUMERIC": _Kind(pa.decimal256(76, 38), _numeric),
    "DATE": _Kind(pa.date32(), _only(date, never=(datetime,)), frozenset({date, _NULL})),
    "TIMESTAMP": _Kind(pa.timestamp("us", tz="UTC"), _timestamp),
    "DATETIME": _Kind(pa.timestamp("us"), _datetime),
    "TIME": _Kind(pa.time64("us"), _only(time)),
    "JSON": _Kind(pa.string(), _json),
}
_OFTEN_ONE = frozenset({"STRING", "DATE", "TIMESTAMP"})
"""Types of columns that often hold one value in all rows of a page, and whose values are the same when equal."""

_UNFIT = (ValueError, TypeError, OverflowError, RecursionError, pa.ArrowException)


def arrow_field(column: Column) -> pa.Field:
    """Return the column in Arrow's terms; KeyError for a type that no schema file may name."""
    kind = _KINDS[column.type].arrow
    return pa.field(column.name, pa.list_(kind) if column.mode == "REPEATED" else kind)


def array(column: Column, values: Sequence[Any]) -> pa.Array:
    """Convert one column's values; UnfitError names the first that is wrong."""
    field = arrow_field(column)
    try:
        converted = _converted(column, field.type, values)
    except _UNFIT as error:
        raise _first_unfit(column, field, values) from error
    if column.mode == "REQUIRED" and converted.null_count:
        raise UnfitError(values.index(None), "is null but REQUIRED")
    return converted


def fitted(column: Column, values: pa.Array) -> pa.Array:
    """Return an array as the column has it; UnfitError for one that only changed values would fit."""
    kind = arrow_field(column).type
    try:
        converted = values if values.type == kind else values.cast(kind)
    except pa.ArrowException:
        raise UnfitError(0, f"is not an exact {column.type}") from None
    if column.mode == "REQUIRED" and converted.null_count:
        raise UnfitError(converted.is_null().index(True).as_py(), "is null but REQUIRED")
    return converted


def _converted(column: Column, arrow: pa.DataType, values: Sequence[Any]) -> pa.Array:
    """Convert all at once where their types allow it: a call for each value is most of what a row costs."""
    kind, types = _KINDS[column.type], {*map(type, values)}
    if column.mode == "REPEATED":
        return pa.array([_read(column, value) for value in values], arrow)
    if types == {_NULL}:
        return pa.nulls(len(values), arrow)
    if column.type in _OFTEN_ONE and len(types) == 1 and values.count(values[0]) == len(values):
        return pa.repeat(pa.scalar(kind.read(values[0]), arrow), len(values))
    if column.type == "JSON" and str not in types:
        return pa.array(_texts(values), arrow)
    return pa.array(values if types <= kind.plain else [_read(column, value) for value in values], arrow)


def _texts(values: Sequence[Any]) -> list[str | None]:
    texts = iter(json_texts([value for value in values if value is not None]))
    return [None if value is None else next(texts) for value in values]


def _read(column: Column, value: Any) -> Any:
    read = _KINDS[column.type].read
    if column.mode == "REPEATED":
        return [read(item) for item in _LIST(value)] if value is not None else []
    return None if value is None else read(value)


def _first_unfit(column: Column, field: pa.Field, values: Sequence[Any]) -> UnfitError:
    for index, value in enumerate(values):
        try:
            pa.array([_read(column, value)], field.type)
        except _UNFIT:
            return UnfitError(index, f"is not an exact {column.type}")
    raise AssertionError("every value fits alone but not together")
