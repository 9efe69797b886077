"""The platform's own dataset: read, and written in batches that happen once. A `ports.CentralWarehouse`."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from attrs import frozen
from google.cloud import bigquery

from workers.adapters.bigquery.calls import UPLOAD_SECONDS
from workers.adapters.bigquery.failures import explained
from workers.adapters.bigquery.jobs import Done, Job
from workers.adapters.bigquery.layouts import fields
from workers.adapters.bigquery.names import digest, quoted
from workers.adapters.bigquery.ndjson import ndjson
from workers.adapters.bigquery.parameters import named
from workers.adapters.bigquery.publishing import Queries
from workers.adapters.bigquery.records import Records
from workers.adapters.bigquery.rendering import bind, fill, parts
from workers.adapters.bigquery.wiring import Wiring
from workers.model.table import Column, TableSchema, identifier
from workers.ports import Answer, Row

T = TypeVar("T")

# Rows that are encoded between two turns of the loop.
AT_ONCE = 50


@frozen
class BigQueryCentral:
    """Writes by load jobs named by their batch; never streams."""

    _wiring: Wiring

    async def query(self, sql: str, parameters: Row) -> Answer:
        """Run a SELECT."""
        with explained(f"query {self._wiring.central}"):
            return await self._answer(sql, parameters)

    async def read(self, sql: str, parameters: Row, make: Callable[[Iterable[Row]], T]) -> T:
        """Run a SELECT and return what `make` makes of its rows, page by page."""
        reading = self._wiring.reading
        with explained(f"query {self._wiring.central}"):
            return await reading.read(await self._run(reading, sql, parameters), make)

    async def execute(self, script: str, parameters: Row) -> Answer:
        """Run a script that writes: BigQuery cancels one of two that conflict, and that one is run again."""
        with explained(f"change {self._wiring.central}"):
            return await self._answer(script, parameters)

    async def _answer(self, sql: str, parameters: Row) -> Answer:
        queries = self._wiring.queries
        return await queries.answer(await self._run(queries, sql, parameters))

    async def _run(self, queries: Queries, sql: str, parameters: Row) -> Done:
        bound = bind(sql, self._wiring.datasets(self._wiring.central))
        return await queries.run(self._wiring.query_name(), bound, named(parameters))

    async def ensure(self, table: TableSchema) -> None:
        """Create the table or add its missing NULLABLE columns."""
        await self._wiring.tables.ensure(self._wiring.central, table)

    async def append(self, table: TableSchema, rows: Sequence[Row], batch: str) -> None:
        """Add rows by one load job, once for the batch's name, whatever its rows."""
        if not rows:
            return
        content = await _encoded(Records(table.name, table.columns), rows)
        key = digest(self._wiring.central, table.name, batch)
        with explained(f"append to {self._wiring.central}.{table.name}"):
            await self._wiring.jobs.run(f"dp_add_{key}", lambda job_id: self._load(table.name, content, job_id))

    async def merge(self, table: TableSchema, rows: Sequence[Row], keys: Sequence[str], batch: str) -> None:
        """Insert or update rows by keys; of two rows with the same keys the later counts.

        All rows give the same columns, the REQUIRED ones among them; other columns of an existing row stay.
        """
        latest = {tuple(row[key] for key in keys): row for row in rows}
        if not latest:
            return
        columns = _given(table, rows)
        content = await _encoded(Records(table.name, columns), list(latest.values()))
        key = digest(self._wiring.central, table.name, batch)
        stage = identifier(f"__stg_{table.name}_{key}")
        with explained(f"merge into {self._wiring.central}.{table.name}"):
            await self._wiring.jobs.run(
                f"dp_stage_{key}",
                lambda job_id: self._stage(stage, columns, content, job_id),
                usable=lambda: self._wiring.tables.holds(self._wiring.central, stage, len(latest)),
            )
            await self._wiring.queries.run(f"dp_merge_{key}", self._merge(table, stage, columns, keys), ())
            await self._wiring.tables.drop(self._wiring.central, (stage,))

    def _stage(self, stage: str, columns: Sequence[Column], content: bytes, job_id: str) -> Job:
        self._wiring.tables.create_stage(self._wiring.central, stage, fields(columns))
        return self._load(stage, content, job_id)

    def _load(self, name: str, content: bytes, job_id: str) -> Job:
        config = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
            create_disposition=bigquery.CreateDisposition.CREATE_NEVER,
            write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
        )
        return self._wiring.client.load_table_from_file(
            io.BytesIO(content),
            self._wiring.tables.reference(self._wiring.central, name),
            size=len(content),
            num_retries=0,
            job_id=job_id,
            job_config=config,
            timeout=UPLOAD_SECONDS,
        )

    def _merge(self, table: TableSchema, stage: str, columns: Sequence[Column], keys: Sequence[str]) -> str:
        clauses = parts(self._wiring.sql["parts"])
        path = self._wiring.path(self._wiring.central)
        names = [quoted(column.name) for column in columns]
        matched = [fill(clauses["merge.matched"], column=quoted(key)) for key in keys]
        return fill(
            self._wiring.sql["merge"],
            target=f"{path}.{quoted(table.name)}",
            stage=f"{path}.{quoted(stage)}",
            columns=", ".join(names),
            keys=", ".join(quoted(key) for key in keys),
            matched=f" {clauses['merge.and']} ".join(matched),
            changes=", ".join(fill(clauses["merge.change"], column=name) for name in names),
        )


def _given(table: TableSchema, rows: Sequence[Row]) -> tuple[Column, ...]:
    """Return the columns that the rows give, and those that are REQUIRED whether given or not."""
    names = {name for row in rows for name in row}
    return tuple(column for column in table.columns if column.name in names or column.mode == "REQUIRED")


async def _encoded(records: Records, rows: Sequence[Row]) -> bytes:
    """Encode some rows at a time, so that nobody else on the loop waits for thousands."""
    content = bytearray()
    for start in range(0, len(rows), AT_ONCE):
        content += ndjson(records, rows[start : start + AT_ONCE], start)
        await asyncio.sleep(0)
    return bytes(content)
