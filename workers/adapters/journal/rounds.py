"""What schedulers write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from workers.adapters.journal.accept import answer_of
from workers.adapters.journal.encode import new_run, placed, to_array, to_json
from workers.adapters.journal.errors import AwayError
from workers.adapters.journal.room import Room
from workers.adapters.journal.schedule_rows import decided_of, held_of, schedule_of
from workers.model.lease import Added, NewRun, StaleFenceError
from workers.model.overview import Decided
from workers.model.timetable import Held, Occurrence, Round, Schedule

HOLD_SECONDS = 30.0


class PostgresRounds:
    """Implements ports.Rounds."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._workers = room.workers

    async def hold(self, org: str | None = None, until: datetime | None = None, most: int = 20) -> tuple[Held, ...]:
        """Hold schedules; see ports.Rounds. When the answer is lost they come back as the hold expires."""
        rows = await self._workers.fetch("hold_schedules", org, until, most, HOLD_SECONDS)
        return tuple(held_of(row) for row in rows)

    async def fire(self, held: Held, due_at: datetime, new: NewRun, *, again: bool = False) -> Added:
        """Accept the run of an occurrence; see ports.Rounds."""
        room = self._room
        items = to_array([placed(0, new_run(new))])
        place = held.schedule.schedule_id, held.fence, due_at
        row = await self._workers.fetch_one("fire", *place, items, room.waiting_limit_total, again)
        if row is None:
            raise AwayError
        if row["outcome"] == "stale":
            raise _stale()
        answer = answer_of(row)
        if isinstance(answer, Exception):
            raise answer
        room.bell.ring()
        return answer

    async def write_round(self, held: Held, written: Round) -> None:
        """Write what was decided; see ports.Rounds."""
        done = await self._workers.fetch_value(
            "write_round",
            held.schedule.schedule_id,
            held.fence,
            to_array(to_json(_columns(occurrence)) for occurrence in written.occurrences),
            written.next_due,
            written.disable,
            written.last_run_status,
            written.release,
        )
        if not done:
            raise _stale()

    async def note_starts(self) -> int:
        """Tell of started runs; see ports.Rounds."""
        count: int = await self._workers.fetch_value("note_starts")
        return count

    async def schedules_by_id(self, ids: Sequence[UUID]) -> tuple[Schedule, ...]:
        """Return schedules, in no order."""
        return tuple(schedule_of(row) for row in await self._workers.fetch("schedules_by_id", list(ids)))

    async def occurrences_by_id(self, keys: Sequence[tuple[UUID, datetime]]) -> tuple[Decided, ...]:
        """Return occurrences, in no order."""
        ids, times = [key[0] for key in keys], [key[1] for key in keys]
        return tuple(decided_of(row) for row in await self._workers.fetch("occurrences_by_id", ids, times))


def _columns(occurrence: Occurrence) -> dict[str, Any]:
    """Return the columns that a round sets; runs are set by `fire` alone."""
    return {
        "due_at": occurrence.due_at.isoformat(),
        "state": occurrence.state,
        "act_at": occurrence.act_at.isoformat() if occurrence.act_at else None,
        "late": occurrence.late,
        "why": occurrence.why,
        "live": occurrence.live,
        "retry_at": occurrence.retry_at.isoformat() if occurrence.retry_at else None,
    }


def _stale() -> StaleFenceError:
    return StaleFenceError("the schedule was changed, or another scheduler holds it")
