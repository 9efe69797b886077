"""Scripts that publish: one at a time for a dataset from this process, each as a job that runs once.

Given a script; hands on what it wrote. BigQuery cancels one of two transactions that change the ledger at once; the
turn keeps that rare, and the job runner repeats what it happens to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from threading import Event
from typing import Any, TypeVar, cast
from weakref import WeakValueDictionary

from attrs import frozen
from google.cloud import bigquery

from workers.adapters.bigquery.auditing import counts_of
from workers.adapters.bigquery.calls import CALL_SECONDS, ONCE, Calls
from workers.adapters.bigquery.jobs import Done, Job, Jobs
from workers.adapters.bigquery.parameters import Parameter
from workers.adapters.bigquery.promotion import Script
from workers.adapters.bigquery.trouble import Kind, TroubleError
from workers.ports import Answer, Authority, Failpoint, Row, Written

T = TypeVar("T")

PAGE_ROWS = 500  # some 2 MiB as the client holds a page of the directory's eighteen columns


@frozen
class Queries:
    """Runs SQL as jobs with ids of our own.

    An answer of more than `most_rows` rows is refused; of one read in pages `page_rows` are held.
    """

    client: bigquery.Client
    calls: Calls
    jobs: Jobs
    most_rows: int = 500_000
    page_rows: int = PAGE_ROWS

    async def run(self, name: str, sql: str, parameters: Sequence[Parameter], *, most_bytes: int | None = None) -> Done:
        """Run to the end, or adopt the job of that name; one that would bill more than `most_bytes` is refused."""
        return await self.jobs.run(name, lambda job_id: self._submit(job_id, sql, parameters, most_bytes))

    def dry_run(self, sql: str, parameters: Sequence[Parameter]) -> bigquery.QueryJob:
        """Ask what a SELECT would read. Blocks."""
        config = bigquery.QueryJobConfig(query_parameters=list(parameters), use_legacy_sql=False, dry_run=True)
        return self.client.query(sql, job_config=config, retry=ONCE, job_retry=None, timeout=CALL_SECONDS)

    async def answer(self, done: Done) -> Answer:
        """Read the rows of a finished query; of a script those of its last statement."""
        job = cast("bigquery.QueryJob", done.job)
        rows = await self.calls.again(lambda: self._rows(job))
        return Answer(rows, int(job.total_bytes_billed or 0))

    async def read(self, done: Done, make: Callable[[Iterable[Row]], T]) -> T:
        """Return what `make` makes of the rows of a finished query, of which one page at a time is held."""
        job, left = cast("bigquery.QueryJob", done.job), Event()
        try:
            return await self.calls.again(lambda: make(self._paged(job, left)))
        finally:
            left.set()

    def _submit(self, job_id: str, sql: str, parameters: Sequence[Parameter], most_bytes: int | None) -> Job:
        config = bigquery.QueryJobConfig(query_parameters=list(parameters), use_legacy_sql=False)
        if most_bytes is not None:
            config.maximum_bytes_billed = most_bytes
        return self.client.query(
            sql, job_config=config, job_id=job_id, retry=ONCE, job_retry=None, timeout=CALL_SECONDS
        )

    def _rows(self, job: bigquery.QueryJob) -> tuple[Row, ...]:
        found: Any = job.result(retry=ONCE, job_retry=None, timeout=CALL_SECONDS)
        if (found.total_rows or 0) > self.most_rows:
            raise TroubleError(Kind.REJECTED, "responseTooLarge")
        return tuple(dict(row.items()) for row in found)

    def _paged(self, job: bigquery.QueryJob, left: Event) -> Iterator[Row]:
        """Yield rows; a page has been let go when the next is fetched, and none is once nobody waits any more."""
        once: Any = {"retry": ONCE, "job_retry": None, "timeout": CALL_SECONDS}
        job.result(**once)  # asks for no rows: a first page would stay with the job
        found: Any = job.result(page_size=self.page_rows, **once)
        for page in found.pages:
            for row in page:
                yield {name: row[name] for name in row.keys()}  # noqa: SIM118 - a row of BigQuery's is no mapping
            page.raw_page.clear()
            if left.is_set():
                raise TroubleError(Kind.UNKNOWN, "left")


@frozen
class Published:
    """What a publication wrote, and the rows it told beside that, under the names that do not begin with `dp_`.

    `counts` are those of its audits, by their numbers.
    """

    written: Written
    rows: tuple[Row, ...]
    job_id: str
    counts: Mapping[int, tuple[int, ...]]


class Publisher:
    """Runs publications."""

    def __init__(self, queries: Queries, failpoint: Failpoint) -> None:
        self._queries = queries
        self._failpoint = failpoint
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def publish(self, kind: str, script: Script, authority: Authority) -> Published:
        """Run the script; `adopted` when an earlier job or an earlier lease had published already."""
        turn = self._turns.setdefault(authority.dataset, asyncio.Lock())
        async with turn:
            self._failpoint(f"{kind}.before")
            name = script.job_name(kind, authority)
            done = await self._queries.run(name, script.sql, script.parameters, most_bytes=script.most_bytes)
            self._failpoint(f"{kind}.after")
        answer = await self._queries.answer(done)
        result = answer.rows[0]
        adopted = done.adopted or bool(result["dp_adopted"])
        written = Written(int(result["dp_published"] or 0), answer.bytes_billed, adopted, int(result["dp_superseded"]))
        told = tuple(_told(row) for row in answer.rows if row.get("dp_told"))
        return Published(written, told, str(done.job.job_id), counts_of(result))


def _told(row: Row) -> Row:
    return {name: value for name, value in row.items() if not name.startswith("dp_")}
