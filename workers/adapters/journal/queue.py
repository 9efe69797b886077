"""The queue as callers see it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from workers.adapters.journal.errors import AwayError
from workers.adapters.journal.room import Room
from workers.adapters.journal.schedule_rows import lane_of, queued_of
from workers.model.overview import Lane, QueuedRun, SchedulerCounts


class PostgresQueue:
    """Implements ports.Queue, but for `ping`."""

    def __init__(self, room: Room) -> None:
        self._bell = room.bell
        self._callers = room.callers

    async def lanes(self, org: str | None, limit: int = 1000) -> tuple[Lane, ...]:
        """Return lanes; see ports.Queue."""
        return tuple(lane_of(row) for row in await self._callers.fetch("lanes", org, limit))

    async def queued(
        self, org: str | None, after: tuple[datetime, UUID] | None = None, limit: int = 20
    ) -> tuple[QueuedRun, ...]:
        """Return live runs; see ports.Queue."""
        rows = await self._callers.fetch("queued", org, *(after or (None, None)), limit)
        return tuple(queued_of(row) for row in rows)

    async def startable(self, org: str | None, accepted_by: datetime) -> int:
        """Count runs that could start; see ports.Queue."""
        count: int = await self._callers.fetch_value("startable", org, accepted_by)
        return count

    async def scheduler_counts(self, org: str | None) -> SchedulerCounts:
        """Return the counts of the scheduler's status."""
        row = await self._callers.fetch_one("scheduler_counts", org)
        if row is None:
            raise AwayError
        return SchedulerCounts(*row)

    def wake(self) -> None:
        """Ring, here and on other replicas."""
        self._bell.ring()
