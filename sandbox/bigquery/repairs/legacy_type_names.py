"""Repair: a table's schema is told with the type names it was created with.

BigQuery always answers INTEGER, FLOAT, BOOLEAN and RECORD, so a comparison that works here would fail there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bqemulator.api.routes import tables

from sandbox.bigquery.patching import wrap

if TYPE_CHECKING:
    from collections.abc import Callable

_NAMES = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "STRUCT": "RECORD"}


def legacy_type_names() -> None:
    """Answer with BigQuery's own names of the types."""
    wrap(tables, "_field_to_rest", _renamed)


def _renamed(tell: Callable[..., dict[str, Any]], field: Any) -> dict[str, Any]:
    told = tell(field)
    return {**told, "type": _NAMES.get(told["type"].upper(), told["type"].upper())}
