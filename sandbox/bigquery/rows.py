"""JSON rows as an Arrow table of a BigQuery schema, for NDJSON loads and streaming inserts alike.

Given rows by column name and the table's fields; hands on the table, or says what is wrong with a row.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bqemulator.api.routes import tabledata
from bqemulator.storage.arrow_bridge import bq_rows_to_arrow
from bqemulator.storage.sql_identifiers import quoted_table_ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


_VIEW = "__given_rows"


class RowError(ValueError):
    """A row that does not fit; `location` is the column at fault, when there is one."""

    def __init__(self, message: str, location: str = "") -> None:
        super().__init__(message)
        self.location = location


def check_fields(row: Mapping[str, Any], fields: Sequence[Any]) -> None:
    """Raise RowError for a field the table lacks and for a REQUIRED one that the row lacks."""
    known = {field.name.lower() for field in fields}
    for name in row:
        if name.lower() not in known:
            raise RowError(f"no such field: {name}.", name)
    given = {name.lower() for name, value in row.items() if value is not None}
    for field in fields:
        if field.mode == "REQUIRED" and field.name.lower() not in given:
            raise RowError(f"Missing required field: {field.name}.", field.name)


def to_arrow(rows: Iterable[Mapping[str, Any]], fields: Sequence[Any]) -> Any:
    """Return the rows in the columns of `fields`. RowError when a value is not of its column's type."""
    raw: Any = tabledata._fields_raw_from_schema(fields)  # noqa: SLF001
    schema = tabledata._build_arrow_schema(raw)  # noqa: SLF001
    as_json = {field.name for field in fields if field.type.upper() == "JSON"}
    try:
        return bq_rows_to_arrow([{"json": _with_json_text(row, as_json)} for row in rows], schema)
    except (ValueError, TypeError, ArithmeticError) as error:
        raise RowError(str(error)) from error


def insert(rows: Any, names: Iterable[str], key: tuple[str, str, str], engine: Any) -> None:
    """Insert the named columns of `rows` into the table of this project, dataset and id."""
    columns = ", ".join(f'"{name}"' for name in names)
    engine.connection.register(_VIEW, rows)
    try:
        engine.execute(f"INSERT INTO {quoted_table_ref(*key)} ({columns}) SELECT {columns} FROM {_VIEW}")  # noqa: S608
    finally:
        engine.connection.unregister(_VIEW)


def _with_json_text(row: Mapping[str, Any], as_json: set[str]) -> dict[str, Any]:
    """Write the values of JSON columns as text; a string is taken for JSON text already."""
    return {
        name: json.dumps(value) if name in as_json and value is not None and not isinstance(value, str) else value
        for name, value in row.items()
    }
