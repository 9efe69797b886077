"""Tables as things: made as declared, given their missing columns, staged for a day, dropped.

Given the client; hands on nothing but the certainty that a table is as its declaration says.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import timedelta

import attrs
from google.api_core.exceptions import Conflict
from google.cloud import bigquery
from google.cloud.bigquery import SchemaField

from workers.adapters.bigquery.calls import CALL_SECONDS, ONCE, Calls
from workers.adapters.bigquery.failures import explained
from workers.adapters.bigquery.layouts import compare, described, fields, new_table
from workers.adapters.bigquery.trouble import Kind, TroubleError
from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.table import TableSchema
from workers.ports import Clock

_REMEMBERED_SECONDS = 60.0
_STAGE_LIFE = timedelta(hours=24)
_TRIES = 4


class Tables:
    """Knows for a minute which tables were found as declared."""

    def __init__(self, client: bigquery.Client, calls: Calls, clock: Clock) -> None:
        self._client = client
        self._calls = calls
        self._clock = clock
        self._seen: dict[tuple[str, TableSchema], float] = {}

    async def ensure(self, dataset: str, table: TableSchema) -> None:
        """Create the table or add its missing NULLABLE columns.

        Raises FailedError: SCHEMA_CONFLICT with every other difference, or a WAREHOUSE_ reason.
        """
        now = self._clock.monotonic()
        if self._seen.get((dataset, table), now) > now:
            return
        with explained(f"prepare table {dataset}.{table.name}"):
            await self._converge(dataset, table)
        self._seen = {key: until for key, until in self._seen.items() if until > now}
        self._seen[dataset, table] = now + _REMEMBERED_SECONDS

    async def describe(self, dataset: str, name: str) -> TableSchema | None:
        """Return a table as it is now, None when there is none."""
        existing = await self._existing(self.reference(dataset, name))
        return None if existing is None else described(existing)

    def reference(self, dataset: str, name: str) -> bigquery.TableReference:
        """Return the API's name of a table."""
        return bigquery.DatasetReference(self._client.project, dataset).table(name)

    async def holds(self, dataset: str, name: str, rows: int) -> bool:
        """Whether the table is there and has so many rows."""
        existing = await self._existing(self.reference(dataset, name))
        return existing is not None and existing.num_rows == rows

    def create_stage(self, dataset: str, name: str, schema: Sequence[SchemaField]) -> None:
        """Create a table that BigQuery drops after a day, unless it is there. Blocks: for a thread of `Calls`."""
        stage = bigquery.Table(self.reference(dataset, name), schema=[_nullable(field) for field in schema])
        stage.expires = self._clock.now() + _STAGE_LIFE
        with contextlib.suppress(Conflict):
            self._client.create_table(stage, retry=ONCE, timeout=CALL_SECONDS)

    async def drop(self, dataset: str, names: Sequence[str]) -> None:
        """Drop stages; one that cannot be dropped now expires by itself."""
        for name in names:
            reference = self.reference(dataset, name)
            with contextlib.suppress(TroubleError):
                await self._calls.once(lambda: self._delete(reference))  # noqa: B023 - awaited before the next turn

    async def _converge(self, dataset: str, table: TableSchema) -> None:
        reference = self.reference(dataset, table.name)
        for number in range(1, _TRIES + 1):
            existing = await self._existing(reference)
            try:
                if existing is None:
                    await self._calls.once(lambda: self._create(new_table(reference, table)))
                else:
                    await self._evolve(table, existing)
            except TroubleError as trouble:
                if trouble.kind not in {Kind.EXISTS, Kind.CHANGED, Kind.UNKNOWN, Kind.BUSY} or number == _TRIES:
                    raise
                await self._calls.pause(number)
            else:
                return

    async def _evolve(self, table: TableSchema, existing: bigquery.Table) -> None:
        difference = compare(table, existing)
        if difference.conflicts:
            raise _conflict(existing, difference.conflicts)
        if difference.missing:
            existing.schema = [*existing.schema, *fields(difference.missing)]
            await self._calls.once(lambda: self._update(existing))

    async def _existing(self, reference: bigquery.TableReference) -> bigquery.Table | None:
        try:
            return await self._calls.again(lambda: self._get(reference))
        except TroubleError as trouble:
            if trouble.kind is Kind.MISSING:
                return None
            raise

    def _get(self, reference: bigquery.TableReference) -> bigquery.Table:
        return self._client.get_table(reference, retry=ONCE, timeout=CALL_SECONDS)

    def _create(self, table: bigquery.Table) -> None:
        self._client.create_table(table, retry=ONCE, timeout=CALL_SECONDS)

    def _update(self, table: bigquery.Table) -> None:
        self._client.update_table(table, ["schema"], retry=ONCE, timeout=CALL_SECONDS)

    def _delete(self, reference: bigquery.TableReference) -> None:
        self._client.delete_table(reference, not_found_ok=True, retry=ONCE, timeout=CALL_SECONDS)


def _nullable(field: SchemaField) -> SchemaField:
    mode = "REPEATED" if field.mode == "REPEATED" else "NULLABLE"
    return SchemaField(field.name, field.field_type, mode=mode)


def _conflict(existing: bigquery.Table, conflicts: Sequence[str]) -> FailedError:
    message = f"table {existing.dataset_id}.{existing.table_id} is not as declared: {'; '.join(conflicts)}"
    failure = Failure(Code.FAILED_PRECONDITION, Reason.SCHEMA_CONFLICT, message)
    return FailedError(attrs.evolve(failure, metadata={"table": existing.table_id}))
