"""Carries the journal's outbox into the platform's tables: one publisher for the fleet, few jobs, each batch once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

import structlog
from attrs import frozen
from prometheus_client import Counter

from workers.catalog.orgs import Directory
from workers.model.failure import FailedError
from workers.model.lease import Parcel
from workers.model.publishing import cost_rows, dq_rows, quota_row, run_row, step_rows
from workers.model.run import Run
from workers.model.timetable_rows import occurrence_row, queue_rows, schedule_row
from workers.ports import CentralWarehouse, Clock, Rounds, Row, Schemas, Upkeep
from workers.runtime.supervisor import Supervisor

log = structlog.get_logger()
published = Counter("outbox_published_total", "Parcels that reached the warehouse", ["kind"])

BATCH = 10_000
# Runs that become rows in one go: thousands would hold the loop, and so everybody's dispatch, for long.
AT_ONCE = 25


class Outbox(Upkeep, Rounds, Protocol):
    """What of the journal is published."""


@frozen
class Publisher:
    """Looks every `interval` seconds, which keeps each table at one job a minute."""

    journal: Outbox
    central: CentralWarehouse
    schemas: Schemas
    directory: Directory
    clock: Clock
    roll: Callable[[], float]
    interval: float = 60.0

    def start(self, supervisor: Supervisor) -> None:
        """Put the actor under the supervisor."""
        supervisor.add("publisher", self.run)

    async def run(self) -> None:
        """Publish for ever; what cannot be published now stays in the outbox."""
        await self.clock.sleep(self.roll() * min(5.0, self.interval))
        while True:
            try:
                async with self.journal.lead("publisher") as leading:
                    if leading:
                        await self.publish()
            except FailedError as error:
                log.warning("publishing put off", reason=error.failure.reason)
            await self.clock.sleep(self.interval)

    async def publish(self) -> None:
        """Publish one batch of every kind; what is wrong with one kind holds up no other."""
        duties: dict[str, Callable[[Sequence[Parcel]], Awaitable[None]]] = {
            "run": self._runs,
            "quota": self._quotas,
            "audit": self._audit,
            "key_use": self._key_uses,
            "schedule": self._schedules,
            "occurrence": self._occurrences,
        }
        for kind, duty in duties.items():
            try:
                await self._publish(kind, duty)
            except FailedError as error:
                failure = error.failure
                log.warning("publishing put off", kind=kind, reason=failure.reason, message=failure.message)
            except Exception:
                log.exception("publishing failed", kind=kind)

    async def _publish(self, kind: str, duty: Callable[[Sequence[Parcel]], Awaitable[None]]) -> None:
        parcels = await self.journal.parcels(kind, BATCH)
        if parcels:
            await duty(parcels)
            await self.journal.published([parcel.parcel_id for parcel in parcels])
            published.labels(kind).inc(len(parcels))

    async def _runs(self, parcels: Sequence[Parcel]) -> None:
        left = {UUID(parcel.payload["run_id"]): parcel.parcel_id for parcel in parcels}
        ids, tables = list(left), dict[str, list[Row]]()
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            runs, pages = await self.journal.runs(some), await self.journal.pages_read(some)
            for run in runs:
                del left[run.run_id]
                for table, rows in _rows_of(run, pages.get(run.run_id, 0)).items():
                    tables.setdefault(table, []).extend(rows)
        if left:
            # Before the rows are appended: a batch is never appended twice, so what is not in it now never will be.
            await self.journal.set_aside(list(left.values()))
            log.error("runs set aside that cannot be read", run_ids=[str(run_id) for run_id in left])
        for table, rows in tables.items():
            await self._append(table, rows, parcels[0].batch)

    async def _quotas(self, parcels: Sequence[Parcel]) -> None:
        keys = {(parcel.payload["org"], date.fromisoformat(parcel.payload["day"])) for parcel in parcels}
        rows: list[Row] = []
        for count in await self.journal.quotas(sorted(keys)):
            org = await self.directory.org(count.org_slug)
            if org is not None and org.subscription is not None:
                rows.append(quota_row(count, org.subscription, self.clock.now()))
        await self._merge("org_usage_quotas", rows, ["usage_id"], parcels[0].batch)

    async def _audit(self, parcels: Sequence[Parcel]) -> None:
        rows = [
            {**parcel.payload, "created_at": datetime.fromisoformat(parcel.payload["created_at"])} for parcel in parcels
        ]
        await self._append("org_audit_logs", rows, parcels[0].batch)

    async def _key_uses(self, parcels: Sequence[Parcel]) -> None:
        latest: dict[tuple[str, str], datetime] = {}
        for parcel in parcels:
            key, at = (parcel.payload["org"], parcel.payload["key_id"]), datetime.fromisoformat(parcel.payload["at"])
            latest[key] = max(at, latest.get(key, at))
        values = {
            "org_slugs": [org for org, _ in latest],
            "key_ids": [key_id for _, key_id in latest],
            "used_at": list(latest.values()),
        }
        await self.central.execute(self.schemas.sql("system/sql/key_use.sql"), values)

    async def _schedules(self, parcels: Sequence[Parcel]) -> None:
        found = await self.journal.schedules_by_id(list({UUID(parcel.payload["schedule_id"]) for parcel in parcels}))
        rows = [schedule_row(schedule) for schedule in found]
        await self._merge("org_pipeline_configs", rows, ["config_id"], parcels[0].batch)

    async def _occurrences(self, parcels: Sequence[Parcel]) -> None:
        keys = {
            (UUID(parcel.payload["schedule_id"]), datetime.fromisoformat(parcel.payload["due_at"]))
            for parcel in parcels
        }
        found, batch = await self.journal.occurrences_by_id(list(keys)), parcels[0].batch
        await self._merge("org_scheduled_pipeline_runs", [occurrence_row(one) for one in found], ["run_id"], batch)
        queued = [row for one in found for row in queue_rows(one)]
        await self._merge("org_pipeline_execution_queue", queued, ["run_id"], batch)

    async def _merge(self, table: str, rows: Sequence[Row], keys: Sequence[str], batch: str) -> None:
        if rows:
            await self.central.merge(self.schemas.table(table), rows, keys, batch)

    async def _append(self, table: str, rows: Sequence[Row], batch: str) -> None:
        if rows:
            schema = self.schemas.table(table)
            await self.central.ensure(schema)
            await self.central.append(schema, rows, batch)


def _rows_of(run: Run, pages: int) -> dict[str, Iterable[Row]]:
    """Return a run's rows by table."""
    return {
        "org_meta_pipeline_runs": [run_row(run)],
        "org_meta_step_logs": step_rows(run),
        "org_meta_dq_results": dq_rows(run),
        "org_cost_tracking": cost_rows(run, pages),
    }
