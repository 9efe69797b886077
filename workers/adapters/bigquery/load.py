"""One load: rows spooled as they come, staged while they come, published at the end. A `ports.Load`.

Given its spool, its staging and how its source is published; hands on what was written.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager

from workers.adapters.bigquery.failures import step_errors
from workers.adapters.bigquery.promotion import Source, content_of
from workers.adapters.bigquery.spool import BATCH_ROWS, Spool, SpoolFile
from workers.adapters.bigquery.staging import Staging
from workers.ports import Row, Written

Publish = Callable[[Source, bool], Awaitable[Written]]


class BigQueryLoad:
    """Takes rows in any number and spools them by the thousand, in a thread."""

    def __init__(self, doing: str, spool: Spool, staging: Staging, publish: Publish, executor: Executor) -> None:
        self._doing = doing
        self._spool = spool
        self._staging = staging
        self._publish = publish
        self._executor = executor
        self._waiting: list[Row] = []
        self._published = False

    async def write(self, rows: Sequence[Row]) -> None:
        """Take rows. An invalid one is refused with its thousand, at the latest by `publish`."""
        self._refuse_when_published()
        self._waiting.extend(rows)
        with step_errors(self._doing):
            while len(self._waiting) >= BATCH_ROWS:
                batch, self._waiting = self._waiting[:BATCH_ROWS], self._waiting[BATCH_ROWS:]
                await self._add(batch)

    async def publish(self, *, complete: bool = True) -> Written:
        """Make the rows visible. An incomplete answer replaces the days it has, so an empty one nothing."""
        self._refuse_when_published()
        self._published = True
        with step_errors(self._doing):
            if self._waiting:
                await self._add(self._waiting)
            await self._take(await self._threaded(self._spool.finish))
            await self._staging.settle()
        stages = tuple(self._staging.stages)
        if not stages and not complete:
            return Written(0)
        return await self._publish(Source(content_of(self._staging.hashes), stages), complete)

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
