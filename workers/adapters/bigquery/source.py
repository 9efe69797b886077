"""Organisations' own tables, read with their credentials. A `ports.Sources`, its `Source` and `Answering`.

A source has a client and one thread of its own: what hangs in one organisation's project takes nothing from another's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pyarrow as pa
from attrs import define, field, frozen
from google.cloud import bigquery

from workers.adapters.bigquery.calls import CALL_SECONDS, ONCE, Calls
from workers.adapters.bigquery.client import connect, own_credentials
from workers.adapters.bigquery.jobs import Jobs
from workers.adapters.bigquery.keyfile import Identity, identity
from workers.adapters.bigquery.parameters import named
from workers.adapters.bigquery.publishing import Queries
from workers.adapters.bigquery.source_errors import source_errors
from workers.model.table_path import TablePath
from workers.ports import Access, Answer, Answering, Batch, Clock, Question, SourceTable

PAGE_ROWS = 3_000  # some 40 MiB as the client holds a page, 3 MiB in columns
_THREADS = 1


@frozen
class BigQuerySources:
    """Opens sources at Google, or with an `endpoint` at an emulator, which is shown no credentials.

    `own_project` is where the jobs of the service itself run, `roll` is chance from 0 to 1, `new_id` gives ids to jobs.
    """

    clock: Clock
    roll: Callable[[], float]
    new_id: Callable[[], str]
    endpoint: str = ""
    own_project: str = ""
    job_seconds: float = 600.0
    page_rows: int = PAGE_ROWS

    @asynccontextmanager
    async def open(self, access: Access) -> AsyncIterator[BigQuerySource]:
        """Open a source; nothing is asked of BigQuery yet. Raises FailedError(CREDENTIAL_INVALID)."""
        who = self._identity(access)
        calls = Calls(_THREADS, self.clock, self.roll)
        source = BigQuerySource(self, access.provider, who, access.project or who.project, calls)
        try:
            yield source
        finally:
            source.close()

    def _identity(self, access: Access) -> Identity:
        if access.secret is None:
            return Identity(self.own_project, own_credentials(self.endpoint))
        return identity(access.secret, access, anonymous=bool(self.endpoint))


@define
class BigQuerySource:
    """Keeps `ports.Source`; jobs run in `job_project`."""

    _sources: BigQuerySources
    _provider: str
    _who: Identity
    _job_project: str
    _calls: Calls
    _queries: dict[str, Queries] = field(factory=dict, init=False)

    @property
    def project(self) -> str:
        """The project of the credential."""
        return self._who.project

    async def describe(self, table: TablePath) -> SourceTable:
        """Look at a table."""
        client = self._at("").client
        with source_errors(f"look at {table}", self._provider):
            found = await self._calls.again(lambda: client.get_table(str(table), retry=ONCE, timeout=CALL_SECONDS))
        partitions = found.time_partitioning
        by_arrival = partitions is not None and partitions.field is None and partitions.type_ == "DAY"
        return SourceTable(frozenset(column_names(found.schema)), str(found.location or ""), by_arrival)

    async def estimate(self, question: Question) -> int:
        """Ask for a dry run."""
        queries = self._at(question.location)
        with source_errors(f"estimate a query in {self._job_project}", self._provider):
            job = await self._calls.again(lambda: queries.dry_run(question.sql, named(question.parameters)))
        return int(job.total_bytes_processed or 0)

    async def rows(self, question: Question) -> Answer:
        """Return a small answer whole."""
        with source_errors(f"query {self._job_project}", self._provider):
            queries, job = await self._run(question)
            return await queries.answer(job)

    async def ask(self, question: Question) -> Answering:
        """Run a question to its end."""
        with source_errors(f"query {self._job_project}", self._provider):
            _, done = await self._run(question)
        return _Answering(self._calls, cast("bigquery.QueryJob", done.job), self._sources.page_rows, self._provider)

    async def _run(self, question: Question) -> tuple[Queries, Any]:
        queries = self._at(question.location)
        name = f"dp_source_{self._sources.new_id()}"
        done = await queries.run(name, question.sql, named(question.parameters), most_bytes=question.most_bytes)
        return queries, done

    def _at(self, location: str) -> Queries:
        """Return what asks in a location: a job is found again only where it runs."""
        if location not in self._queries:
            sources = self._sources
            client = connect(
                self._job_project, location, endpoint=sources.endpoint, connections=1, credentials=self._who.credentials
            )
            jobs = Jobs(client, self._calls, sources.clock, job_seconds=sources.job_seconds)
            self._queries[location] = Queries(client, self._calls, jobs)
        return self._queries[location]

    def close(self) -> None:
        """Start nothing more; a call that hangs ends at its timeout."""
        self._calls.close()
        for queries in self._queries.values():
            queries.client.close()


@frozen
class _Answering:
    """Keeps `ports.Answering`."""

    _calls: Calls
    _job: bigquery.QueryJob
    _page_rows: int
    _provider: str

    @property
    def bytes_billed(self) -> int:
        """What it cost."""
        return int(self._job.total_bytes_billed or 0)

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield pages with rows."""
        with source_errors(f"read the answer of {self._job.job_id}", self._provider):
            pages = await self._calls.again(self._pages)
            while (page := await self._calls.once(lambda: next(pages, None))) is not None:
                if page.num_rows:
                    yield page

    def _pages(self) -> Iterator[pa.RecordBatch]:
        answer: Any = self._job.result(page_size=self._page_rows, retry=ONCE, job_retry=None, timeout=CALL_SECONDS)
        return iter(answer.to_arrow_iterable())


def column_names(fields: Any, above: str = "") -> Iterator[str]:
    """Yield the names of columns, those of records below them."""
    for one in fields:
        yield f"{above}{one.name}"
        yield from column_names(one.fields, f"{above}{one.name}.")
