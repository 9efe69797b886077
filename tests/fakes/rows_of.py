"""Whether a row fits the table it is for: columns by name, REQUIRED ones given, values of the column's type."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from workers.adapters.bigquery.records import Records
from workers.adapters.bigquery.sources import staged_columns
from workers.model.table import Column, TableSchema

TYPES: Mapping[str, tuple[type, ...]] = {
    "STRING": (str,),
    "BYTES": (bytes,),
    "INT64": (int,),
    "FLOAT64": (float, int),
    "NUMERIC": (Decimal,),
    "BOOL": (bool,),
    "DATE": (date,),
    "TIMESTAMP": (datetime,),
    "JSON": (dict, list, str, int, bool),
}


def declared(path: str) -> TableSchema:
    """Return a table as its file below configs/ declares it."""
    said = json.loads((Path("configs") / path).read_text())
    columns = tuple(Column(**column) for column in said["columns"])
    partition = said["partition"]["field"] if said["partition"] else None
    return TableSchema(said["table"], columns, partition, None, tuple(said["clustering"]))


def refused_as_bigquery_would(table: TableSchema, rows: Sequence[Mapping[str, Any]]) -> None:
    """Refuse rows of acme that the real load would not take."""
    Records(table.name, staged_columns(table, ()), "acme").batch(rows, 0)


def misfits(table: TableSchema, row: Mapping[str, Any]) -> list[str]:
    """Say everything that is wrong with a row; nothing when it fits."""
    return [*_misfits(table, row)]


def _misfits(table: TableSchema, row: Mapping[str, Any]) -> Iterator[str]:
    for name in row:
        if table.column(name) is None:
            yield f"{table.name} has no column {name}"
    for column in table.columns:
        value = row.get(column.name)
        if value is None:
            if column.mode == "REQUIRED":
                yield f"{column.name} is REQUIRED"
        elif not _fits(column, value):
            yield f"{column.name} is {column.type}, not {value!r}"


def _fits(column: Column, value: Any) -> bool:
    if column.type == "INT64" and isinstance(value, bool):
        return False
    if column.type == "DATE" and isinstance(value, datetime):
        return False
    if column.type == "TIMESTAMP" and isinstance(value, datetime):
        return value.tzinfo is not None
    if column.type == "JSON":
        json.dumps(value)
    return isinstance(value, TYPES[column.type])
