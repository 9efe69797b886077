"""Schedules as callers keep them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from workers.adapters.journal.encode import to_json, to_text
from workers.adapters.journal.errors import AwayError
from workers.adapters.journal.room import Room
from workers.adapters.journal.schedule_rows import decided_of, occurrence_of, schedule_of
from workers.model.failure import Code, Reason, refused
from workers.model.overview import Decided, Outlook
from workers.model.timetable import NOTHING_OVERDUE, Occurrence, Overdue, Schedule

MOST_SCHEDULES = 1000


class PostgresTimetable:
    """Implements ports.Timetable, but for `ping`."""

    def __init__(self, room: Room) -> None:
        self._callers = room.callers

    async def put_schedule(
        self, schedule: Schedule, expected: int | None = None, overdue: Overdue = NOTHING_OVERDUE
    ) -> Schedule:
        """Create or replace; see ports.Timetable."""
        given = to_json(_columns(schedule)), expected, MOST_SCHEDULES, list(overdue.times), overdue.version
        row = await self._callers.fetch_one("put_schedule", *given)
        outcome = row["outcome"] if row else ""
        if outcome == "changed":
            message = "the schedule is not what the etag stands for: somebody has changed it since, or it is not there"
            raise refused(Code.ABORTED, Reason.SCHEDULE_CHANGED, message)
        if outcome == "full":
            message = f"an organisation has at most {MOST_SCHEDULES} schedules"
            raise refused(Code.RESOURCE_EXHAUSTED, Reason.QUOTA_EXCEEDED, message)
        kept = await self.find_schedule(schedule.org_slug, row["id"]) if row else None
        if kept is None:
            raise AwayError
        return kept

    async def find_schedule(self, org: str, schedule_id: UUID) -> Schedule | None:
        """Return a schedule; None when absent."""
        row = await self._callers.fetch_one("find_schedule", org, schedule_id)
        return schedule_of(row) if row else None

    async def list_schedules(self, org: str) -> tuple[Schedule, ...]:
        """Return the schedules of an organisation, by pipeline and name."""
        return tuple(schedule_of(row) for row in await self._callers.fetch("list_schedules", org))

    async def set_schedule_active(
        self,
        org: str,
        schedule_id: UUID,
        *,
        active: bool,
        note: str,
        next_due: datetime | None,
        overdue: Overdue = NOTHING_OVERDUE,
    ) -> Schedule | None:
        """Pause or resume; see ports.Timetable."""
        given = org, schedule_id, active, to_text(note), next_due, list(overdue.times), overdue.version
        if not await self._callers.fetch_value("set_schedule_active", *given):
            return None
        return await self.find_schedule(org, schedule_id)

    async def delete_schedule(self, org: str, schedule_id: UUID) -> bool:
        """Delete; see ports.Timetable."""
        return bool(await self._callers.fetch_value("delete_schedule", org, schedule_id))

    async def occurrences(
        self, org: str, schedule_id: UUID, before: datetime | None = None, limit: int = 20
    ) -> tuple[Occurrence, ...]:
        """Return occurrences; see ports.Timetable."""
        rows = await self._callers.fetch("occurrences", org, schedule_id, before, limit)
        return tuple(occurrence_of(row) for row in rows)

    async def decided(self, org: str | None, since: datetime, limit: int) -> tuple[Decided, ...]:
        """Return decided occurrences; see ports.Timetable."""
        return tuple(decided_of(row) for row in await self._callers.fetch("decided", org, since, limit))

    async def outlook(self, org: str | None, until: datetime | None = None) -> Outlook:
        """Return what is next; see ports.Timetable."""
        row = await self._callers.fetch_one("outlook", org, until)
        if row is None:
            raise AwayError
        return Outlook(*row)


def _columns(schedule: Schedule) -> dict[str, Any]:
    """Return the columns that a caller sets."""
    return {
        "schedule_id": str(schedule.schedule_id),
        "org": schedule.org_slug,
        "provider": schedule.provider,
        "domain": schedule.domain,
        "pipeline": schedule.pipeline,
        "name": schedule.name,
        "cron": schedule.cron,
        "timezone": schedule.timezone,
        "parameters": dict(schedule.parameters),
        "priority": schedule.priority,
        "active": schedule.active,
        "note": schedule.note,
        "catch_up": schedule.catch_up,
        "overlap": schedule.overlap,
        "jitter_seconds": schedule.jitter_seconds,
        "next_due": schedule.next_due.isoformat() if schedule.next_due else None,
    }
