"""Rows as newline-delimited JSON: what BigQuery loads into JSON columns without a stage. For small batches."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from workers.adapters.bigquery.json_text import json_text
from workers.adapters.bigquery.records import Records
from workers.model.table import Column
from workers.ports import Row


def ndjson(records: Records, rows: Sequence[Row], before: int) -> bytes:
    """Encode checked rows, `before` of which came earlier; FailedError(DATA_INVALID) for a row that does not fit."""
    columns = records.columns
    batch = records.batch(rows, before)
    lines = ("{" + ",".join(_members(columns, row)) + "}" for row in batch.to_pylist())
    return "".join(f"{line}\n" for line in lines).encode()


def _members(columns: Sequence[Column], row: Row) -> list[str]:
    return [
        f"{json_text(column.name)}:{_text(column, row[column.name])}"
        for column in columns
        if row[column.name] is not None
    ]


def _text(column: Column, value: Any) -> str:
    if column.mode == "REPEATED":
        return "[" + ",".join(_one(column, item) for item in value) + "]"
    return _one(column, value)


def _one(column: Column, value: Any) -> str:
    return str(value) if column.type == "JSON" else json_text(_plain(value))


def _plain(value: Any) -> Any:
    for kind, encode in _ENCODED:
        if isinstance(value, kind):
            return encode(value)
    return value


_ENCODED: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (Decimal, "{:f}".format),
    (datetime, datetime.isoformat),
    (date, date.isoformat),
    (time, time.isoformat),
    (bytes, lambda value: base64.b64encode(value).decode()),
)
