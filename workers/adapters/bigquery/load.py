"""One load: rows spooled as they come, staged while they come, published at the end. A `ports.Load`.

Given its spool, its staging and how its source is published; hands on what was written.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from typing import cast

import pyarrow as pa
from attrs import frozen

from workers.adapters.bigquery.failures import step_errors
from workers.adapters.bigquery.records import Records
from workers.adapters.bigquery.sources import Source, content_of, staged_columns
from workers.adapters.bigquery.spool import BATCH_ROWS, Spool, SpoolFile
from workers.adapters.bigquery.staging import Staging
from workers.model.table import Column, TableSchema
from workers.ports import Batch, Reached, Row, Written


@frozen
class Shape:
    """What rows look like on their way: the organisation's, numbered where `keys` make them unique."""

    org: str
    keys: tuple[str, ...] = ()

    def columns(self, table: TableSchema) -> tuple[Column, ...]:
        """Return the columns that rows of a table bring along."""
        return staged_columns(table, self.keys)

    def records(self, table: TableSchema) -> Records:
        """Return what turns them into batches."""
        return Records(table.name, self.columns(table), self.org)


Publish = Callable[[TableSchema, Source, bool], Awaitable[Written]]


class BigQueryLoad:
    """Takes rows in any number and spools them by the thousand, in a thread."""

    def __init__(
        self,
        dataset: str,
        table: TableSchema,
        shape: Shape,
        spool: Spool,
        staging: Staging,
        publish: Publish,
        executor: Executor,
    ) -> None:
        self._doing = f"load {dataset}.{table.name}"
        self._table = table
        self._shape = shape
        self._spool = spool
        self._staging = staging
        self._publish = publish
        self._executor = executor
        self._waiting: list[Row] = []
        self._published = False

    async def write(self, rows: Sequence[Row]) -> None:
        """Take rows. An invalid one is refused with its thousand, at the latest by `publish`."""
        self._refuse_when_published()
        waiting = [*self._waiting, *rows]
        whole = len(waiting) // BATCH_ROWS * BATCH_ROWS
        self._waiting = waiting[whole:]
        with step_errors(self._doing):
            for start in range(0, whole, BATCH_ROWS):
                await self._add(waiting[start : start + BATCH_ROWS])

    async def write_batch(self, batch: Batch) -> None:
        """Take rows in columns. What does not fit is refused at once."""
        self._refuse_when_published()
        waiting, self._waiting = self._waiting, []
        with step_errors(self._doing):
            if waiting:
                await self._add(waiting)
            await self._take(await self._threaded(lambda: self._spool.add_batch(cast("pa.RecordBatch", batch))))

    async def widen(self, table: TableSchema) -> None:
        """Take rows of a table with more columns from now on."""
        self._refuse_when_published()
        waiting, self._waiting = self._waiting, []
        with step_errors(self._doing):
            if waiting:
                await self._add(waiting)
            await self._take(await self._threaded(lambda: self._spool.widen(self._shape.records(table))))
        self._table, self._staging.columns = table, self._shape.columns(table)

    async def publish(self, *, complete: bool = True, reached: Reached | None = None) -> Written:
        """Make the rows visible. An incomplete answer replaces the days it has, so an empty one nothing.

        One that says what it `reached` replaces all of that, and is never complete.
        """
        self._refuse_when_published()
        self._published = True
        with step_errors(self._doing):
            if self._waiting:
                await self._add(self._waiting)
            await self._take(await self._threaded(self._spool.finish))
            await self._staging.settle()
        staged = self._staging.staged
        if not staged and not complete and reached is None:
            return Written(0)
        all_columns = frozenset(column.name for column in self._shape.columns(self._table))
        lacking = {stage: all_columns - {one.name for one in columns} for stage, columns in staged.items()}
        keys = self._shape.keys if staged else ()
        source = Source(content_of(self._staging.hashes), tuple(staged), lacking=lacking, keys=keys, reached=reached)
        return await self._publish(self._table, source, complete and reached is None)

    def _refuse_when_published(self) -> None:
        if self._published:
            raise RuntimeError("a load is published once, and takes no rows after that")

    async def _add(self, batch: Sequence[Row]) -> None:
        await self._take(await self._threaded(lambda: self._spool.add(batch)))

    async def _take(self, file: SpoolFile | None) -> None:
        if file is not None:
            await self._staging.take(file)

    async def _threaded(self, call: Callable[[], SpoolFile | None]) -> SpoolFile | None:
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)


@asynccontextmanager
async def cleaned_up(
    load: BigQueryLoad, spool: Spool, staging: Staging, executor: Executor
) -> AsyncIterator[BigQueryLoad]:
    """Leave no file and no waiting upload behind, however the load ends."""
    try:
        yield load
    finally:
        staging.abandon()
        # Shielded and submitted outside of asyncio: a second cancellation must not keep the files.
        await asyncio.shield(asyncio.wrap_future(executor.submit(spool.close)))
