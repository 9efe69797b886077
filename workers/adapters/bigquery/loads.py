"""How a load is opened for a step: its spool directory, its staging, and what is dropped when it is published."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from workers.adapters.bigquery.load import BigQueryLoad, Publish, Shape, cleaned_up
from workers.adapters.bigquery.names import digest
from workers.adapters.bigquery.sources import Source
from workers.adapters.bigquery.spool import Spool
from workers.adapters.bigquery.staging import Staging
from workers.adapters.bigquery.wiring import Wiring
from workers.model.table import TableSchema
from workers.ports import Authority, Written


@asynccontextmanager
async def open_load(
    wiring: Wiring,
    authority: Authority,
    table: TableSchema,
    purpose: str,
    publish: Publish,
    keys: Sequence[str] = (),
) -> AsyncIterator[BigQueryLoad]:
    """Open a load into a table; `purpose` tells it from the step's other loads into the same table."""
    shape = Shape(authority.org, tuple(keys))
    key = digest(authority.step_id, authority.fence, table.name, purpose)
    directory = wiring.spool_dir / f"{authority.run_id.hex}_{key}"
    spool = Spool(directory, shape.records(table), rotate_bytes=wiring.rotate_bytes)
    staging = Staging(wiring, authority, table, shape.columns(table), purpose)

    async def publish_and_drop(published: TableSchema, source: Source, complete: bool) -> Written:
        written = await publish(published, source, complete)
        await wiring.tables.drop(authority.dataset, source.stages)
        return written

    load = BigQueryLoad(authority.dataset, table, shape, spool, staging, publish_and_drop, wiring.spooling)
    async with cleaned_up(load, spool, staging, wiring.spooling):
        yield load
