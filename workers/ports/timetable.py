"""Schedules and the queue in the journal: the parts that callers and schedulers reach."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from workers.model.lease import Added, NewRun
from workers.model.overview import Decided, Lane, Outlook, QueuedRun, SchedulerCounts
from workers.model.timetable import NOTHING_OVERDUE, Held, Occurrence, Overdue, Round, Schedule


class Timetable(Protocol):
    """The part of the journal in which callers keep schedules; what belongs to another organisation is absent."""

    async def put_schedule(
        self, schedule: Schedule, expected: int | None = None, overdue: Overdue = NOTHING_OVERDUE
    ) -> Schedule:
        """Create the schedule, or replace the one of its pipeline and name, which keeps its identity; return it.

        Without a change of its times it keeps its next occurrence; else it is next due at `next_due`, and what was
        `overdue` in the one that is replaced is missed. Raises
        FailedError with SCHEDULE_CHANGED when `expected` is not the version that stands, or QUOTA_EXCEEDED.
        """

    async def find_schedule(self, org: str, schedule_id: UUID) -> Schedule | None:
        """Return a schedule; None when absent."""

    async def list_schedules(self, org: str) -> tuple[Schedule, ...]:
        """Return the schedules of an organisation, by pipeline and name."""

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
        """Pause or resume; one that is resumed is next due at `next_due`, and what was `overdue` is skipped.

        None when absent.
        """

    async def delete_schedule(self, org: str, schedule_id: UUID) -> bool:
        """Delete it; what was due and is not decided is skipped. False when absent."""

    async def occurrences(
        self, org: str, schedule_id: UUID, before: datetime | None = None, limit: int = 20
    ) -> tuple[Occurrence, ...]:
        """Return occurrences that were due before, newest first."""

    async def decided(self, org: str | None, since: datetime, limit: int) -> tuple[Decided, ...]:
        """Return the occurrences that were decided since, in that order; of all organisations when none is named."""

    async def outlook(self, org: str | None, until: datetime | None = None) -> Outlook:
        """Return what is next, and what waits to be decided; unseen is whatever was to be looked at by `until`."""

    async def ping(self) -> datetime:
        """Return the database's time, by which everything is due."""


class Rounds(Protocol):
    """The part of the journal that schedulers reach."""

    async def hold(self, org: str | None = None, until: datetime | None = None, most: int = 20) -> tuple[Held, ...]:
        """Hold schedules that must be looked at, for half a minute; what another scheduler holds is left to it."""

    async def fire(self, held: Held, due_at: datetime, new: NewRun, *, again: bool = False) -> Added:
        """Accept the run and say so of the occurrence, in one commit; `again` says that it is a retry.

        Raises FailedError as Intake.add does, and StaleFenceError when somebody else may write for the schedule.
        """

    async def write_round(self, held: Held, written: Round) -> None:
        """Write what was decided; raises StaleFenceError, and then nothing is written."""

    async def note_starts(self) -> int:
        """Let the outbox tell of runs of occurrences that have started; return how many."""

    async def schedules_by_id(self, ids: Sequence[UUID]) -> tuple[Schedule, ...]:
        """Return schedules of any organisation, deleted ones too, for publishing."""

    async def occurrences_by_id(self, keys: Sequence[tuple[UUID, datetime]]) -> tuple[Decided, ...]:
        """Return occurrences of any organisation, for publishing."""


class Queue(Protocol):
    """The queue as callers see it; of all organisations when none is named."""

    async def lanes(self, org: str | None, limit: int = 1000) -> tuple[Lane, ...]:
        """Return lanes, the longest wait first; without an organisation those in which something waits or runs."""

    async def queued(
        self, org: str | None, after: tuple[datetime, UUID] | None = None, limit: int = 20
    ) -> tuple[QueuedRun, ...]:
        """Return live runs in the order of their acceptance, those accepted after that place."""

    async def startable(self, org: str | None, accepted_by: datetime) -> int:
        """Count runs accepted by then that could start if there were room for them."""

    async def scheduler_counts(self, org: str | None) -> SchedulerCounts:
        """Return the counts of the scheduler's status."""

    def wake(self) -> None:
        """Tell every claimer that work may have come."""

    async def ping(self) -> datetime:
        """Return the database's time."""
