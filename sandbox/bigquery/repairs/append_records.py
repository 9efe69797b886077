"""Repair: an append to a table with a RECORD column fails, because the record's own fields are forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bqemulator.api.routes import tabledata
from bqemulator.grpc_api import write_servicer

from sandbox.bigquery.patching import patch

if TYPE_CHECKING:
    import pyarrow as pa


def append_records() -> None:
    """Build the schema of appended rows with the fields of its records."""
    patch(write_servicer, "_table_arrow_schema", _with_records)


def _with_records(table: Any) -> pa.Schema:
    fields: Any = tabledata._fields_raw_from_schema(table.schema_.fields)  # noqa: SLF001
    return tabledata._build_arrow_schema(fields)  # noqa: SLF001
