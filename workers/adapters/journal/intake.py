"""The callers' part of the journal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from workers.adapters.journal.accept import Acceptor
from workers.adapters.journal.batching import Batcher
from workers.adapters.journal.encode import to_array, to_json
from workers.adapters.journal.room import Room
from workers.adapters.journal.rows import event_of, run_of
from workers.adapters.journal.situation_rows import situation_of
from workers.model.lease import Added, KnownKey, NewRun
from workers.model.run import Run, RunEvent, RunStatus
from workers.model.situation import MOST_COUNTED, Situation
from workers.ports import Row


class PostgresIntake:
    """Implements ports.Intake."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._callers = room.callers
        self._acceptor = Acceptor(room)
        self._audits: Batcher[str, None] = Batcher(self._write_audits, spawn=room.spawn)

    async def add(self, new: NewRun) -> Added:
        """Accept a run; see ports.Intake. A run that is being cancelled is not offered in place of a new one."""
        return await self._acceptor.add(new)

    async def find_key(self, org: str, idempotency_key: str) -> KnownKey | None:
        """Return what a key of the last 24 hours stands for."""
        row = await self._callers.fetch_one("find_key", org, idempotency_key)
        return KnownKey(row["run_id"], row["body_hash"], RunStatus(row["status"])) if row else None

    async def find_run(self, org: str, run_id: UUID) -> Run | None:
        """Return the run with its steps; see ports.Intake."""
        row = await self._callers.fetch_one("find_run", org, run_id)
        return run_of(row) if row else None

    async def list_runs(
        self,
        org: str,
        *,
        pipeline_id: str = "",
        status: RunStatus | None = None,
        before: tuple[datetime, UUID] | None = None,
        limit: int = 20,
    ) -> tuple[Run, ...]:
        """Return a page of runs; see ports.Intake."""
        rows = await self._callers.fetch("list_runs", org, pipeline_id, status, *(before or (None, None)), limit)
        return tuple(run_of(row) for row in rows)

    async def events(self, run_id: UUID, after: int, limit: int = 500) -> tuple[RunEvent, ...]:
        """Return stored events; see ports.Intake."""
        return tuple(event_of(row) for row in await self._callers.fetch("events", run_id, after, limit))

    async def cancel(self, org: str, run_id: UUID, audit: Row | None = None) -> Run | None:
        """Cancel; see ports.Intake."""
        if await self._callers.fetch_value("cancel", org, run_id, to_json(dict(audit)) if audit else None):
            self._room.bell.ring()
        return await self.find_run(org, run_id)

    async def situation(self, org: str, run_id: UUID) -> Situation | None:
        """Return the run and what stands around it; see ports.Intake."""
        terms = (*self._room.suspicion.terms, MOST_COUNTED + 1)
        row = await self._callers.fetch_one("situation", org, run_id, *terms)
        return situation_of(row) if row else None

    async def audit(self, entry: Row) -> None:
        """Hand an audit row to the outbox, many in one commit."""
        await self._audits.submit(to_json(dict(entry)))

    async def take(self, key: str, *, per_minute: float, burst: int, amount: int = 1) -> float:
        """Take from a shared budget; see ports.Intake."""
        wait: float = await self._callers.fetch_value("take", key, per_minute / 60, float(burst), float(amount))
        return wait

    async def _write_audits(self, entries: Sequence[str]) -> list[Exception | None]:
        await self._callers.fetch("audit", to_array(entries))
        return [None] * len(entries)
