"""Query parameters from Python values. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from google.cloud.bigquery import ArrayQueryParameter, ScalarQueryParameter

from workers.model.table import identifier

Parameter = ScalarQueryParameter | ArrayQueryParameter

_RESERVED = "dp_"
_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "BOOL"),
    (int, "INT64"),
    (Decimal, "NUMERIC"),
    (float, "FLOAT64"),
    (str, "STRING"),
    (datetime, "TIMESTAMP"),
    (date, "DATE"),
    (bytes, "BYTES"),
)


def named(values: Mapping[str, Any]) -> list[Parameter]:
    """Type a caller's parameters: scalars and lists of them; None is a STRING, an empty list one of STRINGs.

    Raises ValueError for a name that is not an identifier or begins with `dp_`, which the adapter's scripts use.
    """
    reserved = [name for name in values if name.startswith(_RESERVED)]
    if reserved:
        raise ValueError(f"parameter names beginning with {_RESERVED} are reserved: {reserved}")
    return typed(values)


def typed(values: Mapping[str, Any]) -> list[Parameter]:
    """Type parameters whatever their names."""
    return [_parameter(identifier(name), value) for name, value in values.items()]


def _parameter(name: str, value: Any) -> Parameter:
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return ArrayQueryParameter(name, _common(value), list(value))
    return ScalarQueryParameter(name, type_name(value), value)


def _common(values: Iterable[Any]) -> str:
    kinds = {type_name(value) for value in values}
    if len(kinds) > 1:
        raise ValueError(f"a list parameter holds values of several types: {sorted(kinds)}")
    return kinds.pop() if kinds else "STRING"


def type_name(value: Any) -> str:
    """Return the type a Python value has as a parameter; ValueError when it can be none."""
    if value is None:
        return "STRING"
    for python, name in _TYPES:
        if isinstance(value, python):
            return name
    raise ValueError(f"a parameter cannot be a {type(value).__name__}")
