"""Files on their way into stages, at most two at once while their load goes on.

Each file has a stage of its own, named by its content: an attempt that reads the same again finds its rows loaded,
and one that reads something else never sees the rows of the other.
"""

from __future__ import annotations

import asyncio
from collections import deque

from attrs import frozen
from google.cloud import bigquery

from workers.adapters.bigquery.calls import UPLOAD_SECONDS
from workers.adapters.bigquery.jobs import Job
from workers.adapters.bigquery.layouts import fields
from workers.adapters.bigquery.names import digest, job_name, stage_name
from workers.adapters.bigquery.spool import SpoolFile
from workers.adapters.bigquery.wiring import Wiring
from workers.model.table import Column, TableSchema
from workers.ports import Authority

_AT_ONCE = 2


@frozen
class _Loading:
    file: SpoolFile
    stage: str
    job: str
    columns: tuple[Column, ...]
    first: asyncio.Future[Job]


class Staging:
    """Stages the files of one load; `purpose` tells it from the other loads of its step.

    `columns` are those of the file that is taken next; `staged` are those of each stage, by its name.
    """

    def __init__(
        self, wiring: Wiring, authority: Authority, table: TableSchema, columns: tuple[Column, ...], purpose: str
    ) -> None:
        self._client = wiring.client
        self._calls = wiring.calls
        self._jobs = wiring.jobs
        self._tables = wiring.tables
        self._failpoint = wiring.failpoint
        self._authority = authority
        self._table = table
        self._purpose = purpose
        self._loading: deque[_Loading] = deque()
        self.columns = columns
        self.staged: dict[str, tuple[Column, ...]] = {}
        self.hashes: list[str] = []

    async def take(self, file: SpoolFile) -> None:
        """Start loading a file; wait for an earlier one while two are under way."""
        while len(self._loading) >= _AT_ONCE:
            await self._settle(self._loading.popleft())
        where = (self._client.project, self._authority.dataset, self._table.name)
        key = digest(*where, self._authority.step_id, self._purpose, file.number, file.sha256)
        stage = stage_name(self._table.name, self._authority.run_id, key)
        job = job_name("load", self._authority.run_id, key)
        columns = self.columns
        begun = self._calls.begin(lambda: self._load(file, stage, columns, job))
        self._loading.append(_Loading(file, stage, job, columns, begun))
        self._failpoint("load.submitted")

    async def settle(self) -> None:
        """Wait until everything is loaded; TroubleError when something cannot be."""
        while self._loading:
            await self._settle(self._loading.popleft())
        self._failpoint("load.settled")

    def abandon(self) -> None:
        """Start nothing that has not been started; what runs in BigQuery runs on and its stage expires."""
        for loading in self._loading:
            if not loading.first.cancel() and not loading.first.cancelled():
                loading.first.exception()  # seen, so that asyncio does not report it as forgotten
        self._loading.clear()

    async def _settle(self, loading: _Loading) -> None:
        await self._jobs.run(
            loading.job,
            lambda job_id: self._load(loading.file, loading.stage, loading.columns, job_id),
            first=loading.first,
            usable=lambda: self._tables.holds(self._authority.dataset, loading.stage, loading.file.rows),
        )
        self.staged[loading.stage] = loading.columns
        self.hashes.append(loading.file.sha256)
        loading.file.path.unlink(missing_ok=True)

    def _load(self, file: SpoolFile, stage: str, columns: tuple[Column, ...], job_id: str) -> Job:
        """Create the stage and upload the file. Blocks."""
        schema = fields([_as_staged(column) for column in columns])
        self._tables.create_stage(self._authority.dataset, stage, schema)
        with file.path.open("rb") as content:
            return self._client.load_table_from_file(
                content,
                self._tables.reference(self._authority.dataset, stage),
                size=file.path.stat().st_size,
                num_retries=0,
                job_id=job_id,
                job_config=_load_config(),
                timeout=UPLOAD_SECONDS,
            )


def _as_staged(column: Column) -> Column:
    """Return the column as a stage has it: BigQuery loads no Parquet into JSON columns."""
    mode = "REPEATED" if column.mode == "REPEATED" else "NULLABLE"
    return Column(column.name, "STRING" if column.type == "JSON" else column.type, mode)


def _load_config() -> bigquery.LoadJobConfig:
    lists = bigquery.ParquetOptions()
    lists.enable_list_inference = True
    config = bigquery.LoadJobConfig(
        source_format=bigquery.SourceFormat.PARQUET,
        create_disposition=bigquery.CreateDisposition.CREATE_NEVER,
        write_disposition=bigquery.WriteDisposition.WRITE_EMPTY,
    )
    config.parquet_options = lists
    return config
