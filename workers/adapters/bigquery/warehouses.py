"""The way to BigQuery: opened once for a process, handing out datasets bound to an authority. A `ports.Warehouses`."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from google.cloud import bigquery

from workers.adapters.bigquery.auditing import Auditor
from workers.adapters.bigquery.calls import Calls
from workers.adapters.bigquery.central import BigQueryCentral
from workers.adapters.bigquery.jobs import Jobs
from workers.adapters.bigquery.names import dataset_path
from workers.adapters.bigquery.promotion import Writer
from workers.adapters.bigquery.publishing import PAGE_ROWS, Publisher, Queries
from workers.adapters.bigquery.rendering import bind
from workers.adapters.bigquery.routines import BigQueryRoutines
from workers.adapters.bigquery.spool import ROTATE_BYTES
from workers.adapters.bigquery.tables import Tables
from workers.adapters.bigquery.warehouse import BigQueryWarehouse
from workers.adapters.bigquery.wiring import Wiring
from workers.model.table import TableSchema
from workers.ports import Authority, Clock, Expected, Failpoint

_SPOOLING_THREADS = 2


class BigQueryWarehouses:
    """An async context manager: on entry it clears what a crash left in the spool, on exit it gives back its threads.

    `client` comes from `connect` with a connection more than `threads`; `ledger` is the declaration of the load
    ledger, `sql` the texts of the files named in STATEMENTS, `spool_dir` a directory nobody else uses, `new_id` gives
    ids to reading queries (writing jobs are named by what they write), `roll` is chance from 0 to 1. Failpoints:
    load.submitted, load.settled, promote.before, promote.after, append.before, append.after, call.before, call.after.
    """

    def __init__(
        self,
        client: bigquery.Client,
        *,
        ledger: TableSchema,
        sql: Mapping[str, str],
        spool_dir: Path,
        clock: Clock,
        roll: Callable[[], float],
        new_id: Callable[[], str],
        central: str = "organizations",
        threads: int = 16,
        rotate_bytes: int = ROTATE_BYTES,
        page_rows: int = PAGE_ROWS,
        job_seconds: float = 600.0,
        failpoint: Failpoint = lambda _name: None,
    ) -> None:
        calls = Calls(threads, clock, roll)
        jobs = Jobs(client, calls, clock, job_seconds=job_seconds)
        queries = Queries(client, calls, jobs)
        alone = Calls(1, clock, roll)  # what is read of a page stays in the heap of the thread that read it
        listing = bind(sql["routines"], {"central": dataset_path(str(client.project), central), "dataset": ""})
        self._wiring = Wiring(
            client=client,
            calls=calls,
            jobs=jobs,
            queries=queries,
            reading=Queries(client, alone, Jobs(client, alone, clock, job_seconds=job_seconds), page_rows=page_rows),
            tables=Tables(client, calls, clock),
            publisher=Publisher(queries, failpoint),
            routines=BigQueryRoutines(client, calls, queries, central, listing, lambda: f"dp_query_{new_id()}"),
            ledger=ledger,
            sql=sql,
            central=central,
            spool_dir=spool_dir,
            spooling=ThreadPoolExecutor(_SPOOLING_THREADS, thread_name_prefix="spool"),
            rotate_bytes=rotate_bytes,
            clock=clock,
            failpoint=failpoint,
            new_id=new_id,
        )

    async def __aenter__(self) -> Self:
        shutil.rmtree(self._wiring.spool_dir, ignore_errors=True)
        self._wiring.spool_dir.mkdir(mode=0o700, parents=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._wiring.spooling.shutdown)  # it waits, and the loop must turn meanwhile
        self._wiring.calls.close()
        self._wiring.reading.calls.close()
        self._wiring.client.close()

    def of(self, authority: Authority, expected: Expected | None = None) -> BigQueryWarehouse:
        """Return the organisation's dataset, bound to an authority: one object for one attempt of a step."""
        path, datasets = self._wiring.path(authority.dataset), self._wiring.datasets(authority.dataset)
        expected = expected or Expected(self._wiring.clock.now().date())
        return BigQueryWarehouse(
            self._wiring,
            authority,
            Writer(authority, path, self._wiring.ledger.name, self._wiring.sql),
            Auditor(expected, authority.dataset, datasets, self._wiring.sql["quality"]),
        )

    def central(self) -> BigQueryCentral:
        """Return the platform's dataset."""
        return BigQueryCentral(self._wiring)

    def routines(self) -> BigQueryRoutines:
        """Return the stored procedures of the platform's dataset."""
        return self._wiring.routines
