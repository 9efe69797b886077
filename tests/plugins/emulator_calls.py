"""The few calls that tests of the emulator share: a table with every type, a load, a query with parameters."""

from __future__ import annotations

import io
import itertools
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from google.cloud import bigquery
from google.cloud.bigquery import SchemaField as Field

from sandbox.bigquery.connect import PROJECT

SCHEMA = [
    Field("id", "STRING", "REQUIRED"),
    Field("day", "DATE", "REQUIRED"),
    Field("amount", "NUMERIC"),
    Field("count", "INTEGER"),
    Field("done", "BOOLEAN"),
    Field("at", "TIMESTAMP"),
    Field("raw", "JSON"),
    Field("sealed", "BYTES"),
    Field("tags", "STRING", "REPEATED"),
]
DAYS = [date(2025, 1, 1), date(2025, 1, 2)]
numbers = itertools.count()


def create_table(client: Any, name: str | None = None) -> str:
    """Create an empty table of SCHEMA and return it as `dataset.name`."""
    found = name or f"ds.t{next(numbers)}"
    client.create_table(bigquery.Table(f"{PROJECT}.{found}", schema=SCHEMA))
    return found


def query(client: Any, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """Run one query with parameters given as (type, value) and return its rows."""
    given = [
        (bigquery.ArrayQueryParameter if isinstance(value[1], list) else bigquery.ScalarQueryParameter)(name, *value)
        for name, value in parameters.items()
    ]
    config = bigquery.QueryJobConfig(query_parameters=given)
    job = client.query(sql, job_config=config, retry=None, job_retry=None)
    return [tuple(row.values()) for row in job.result(timeout=20)]


def load(client: Any, table: str, rows: dict[str, Any], job_id: str, mode: str = "WRITE_APPEND") -> Any:
    """Submit a Parquet load of rows given by column and return its job."""
    file = io.BytesIO()
    pq.write_table(pa.table(rows), file)
    config = bigquery.LoadJobConfig(source_format="PARQUET", write_disposition=mode)
    return client.load_table_from_file(file, f"{PROJECT}.{table}", rewind=True, job_id=job_id, job_config=config)


def fill(client: Any, table: str, count: int = 2) -> str:
    """Load rows r0, r1, … on alternating days, 1.5 each, and return the job's id."""
    rows = {"day": [DAYS[i % 2] for i in range(count)], "id": [f"r{i}" for i in range(count)]}
    amounts = pa.array([Decimal("1.5")] * count, pa.decimal128(38, 9))
    job = load(client, table, rows | {"amount": amounts}, f"fill_{next(numbers)}")
    job.result(timeout=20)
    return str(job.job_id)
