"""What is decided about occurrences: which are due, whose turn it is, and which runs are started again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice, takewhile
from uuid import UUID

from attrs import evolve, frozen

from workers.model.failure import Failure, Reason
from workers.model.retry import passing, retry_delay
from workers.model.run import RunStatus
from workers.model.schedule import due_times, next_due
from workers.model.timetable import NOTHING_OVERDUE, CatchUp, Occurrence, OccurrenceState, Overdue, Overlap, Schedule

ON_TIME = timedelta(minutes=1)
PATIENCE = timedelta(hours=1)
MOST_RETRIES = 3
MOST_CAUGHT_UP = 100
MOST_WAITING = 100
PLANNED_AT_ONCE = 500
MOST_OVERDUE = 10_000


def newly_due(schedule: Schedule, now: datetime) -> tuple[tuple[Occurrence, ...], datetime | None]:
    """Return the occurrences due by `now` that are not rows yet, oldest first, and what `next_due` becomes.

    They are 500 at most; when `next_due` is still past, there are more. One is on time within a minute; of those that
    are late, the catch-up policy says which are still DUE: none, the latest, or the hundred latest.
    """
    first = schedule.next_due
    if first is None or first > now:
        return (), first
    later = takewhile(lambda at: at <= now, due_times(schedule.timing, first))
    times = [first, *islice(later, PLANNED_AT_ONCE + MOST_CAUGHT_UP - 1)]
    planned = times[:PLANNED_AT_ONCE]
    following = times[PLANNED_AT_ONCE] if len(times) > PLANNED_AT_ONCE else next_due(schedule.timing, times[-1])
    found = (_planned(schedule, at, now, len(times) - 1 - place) for place, at in enumerate(planned))
    return tuple(found), following


def overdue(schedule: Schedule, now: datetime) -> Overdue:
    """Return what is due by `now` after `next_due` and no row yet, the 10,000 oldest."""
    if schedule.next_due is None:
        return NOTHING_OVERDUE
    later = takewhile(lambda at: at <= now, due_times(schedule.timing, schedule.next_due))
    return Overdue(schedule.version, tuple(islice(later, MOST_OVERDUE)))


def _planned(schedule: Schedule, at: datetime, now: datetime, later: int) -> Occurrence:
    if not schedule.active:
        return Occurrence(at, OccurrenceState.SKIPPED, why=_paused(schedule))
    late = now - at > ON_TIME
    missed = _missed(schedule.catch_up, later) if late else ""
    if missed:
        return Occurrence(at, OccurrenceState.MISSED, late=True, why=missed)
    return Occurrence(at, act_at=at + jitter(schedule), late=late)


def _missed(catch_up: CatchUp, later: int) -> str:
    """Say why a late occurrence, after which `later` were due, is not caught up; empty when it is."""
    if catch_up is CatchUp.NONE:
        return "no scheduler ran when it was due, and catch_up is none"
    if catch_up is CatchUp.LATEST and later:
        return "no scheduler ran when it was due, and catch_up is latest: a later occurrence stands for it"
    if later >= MOST_CAUGHT_UP:
        return f"no scheduler ran when it was due, and {MOST_CAUGHT_UP} later occurrences are caught up at most"
    return ""


def jitter(schedule: Schedule) -> timedelta:
    """Return how long after it is due it fires: always the same for an organisation and pipeline."""
    digest = hashlib.sha256(f"{schedule.org_slug}/{schedule.path}".encode()).digest()
    return timedelta(seconds=int.from_bytes(digest[:6]) * schedule.jitter_seconds // 2**48)


@frozen
class Fire:
    """It becomes a run now, once the runs in `instead_of` are asked to stop."""

    instead_of: tuple[UUID, ...] = ()


@frozen
class Wait:
    """It waits for a live run of its schedule to end."""


@frozen
class Skip:
    """It never becomes a run."""

    why: str


def turn(schedule: Schedule, occurrence: Occurrence, live: Sequence[Occurrence], ahead: int) -> Fire | Wait | Skip:
    """Decide about a DUE occurrence whose time has come.

    `live` are the occurrences of the schedule whose run has not ended, `ahead` counts those that wait before it. One
    that is caught up waits whatever the overlap policy is, and so does what is due behind it, until its run has ended:
    else the one or the other would be lost.
    """
    if not schedule.active:
        return Skip(_paused(schedule))
    if not live and not ahead:
        return Fire()
    catching_up = occurrence.late or ahead or any(earlier.late for earlier in live)
    if schedule.overlap is Overlap.QUEUE or catching_up:
        return Wait() if ahead < MOST_WAITING else Skip(f"{ahead} occurrences of the schedule waited before it")
    if schedule.overlap is Overlap.CANCEL_PREVIOUS:
        return Fire(tuple(earlier.run_ids[-1] for earlier in live))
    return Skip(f"the run of {live[-1].due_at:%Y-%m-%dT%H:%M:%SZ} was still live, and overlap is skip")


def followed(schedule: Schedule, occurrence: Occurrence) -> Occurrence | None:
    """Return an occurrence whose run has ended as it is then; None for any other.

    A run that failed for a passing reason is started again after a minute, then two, then four.
    """
    status, ended = occurrence.status, occurrence.ended_at
    if not occurrence.live or (status is not None and not status.terminal):
        return None
    if ended is None:
        return evolve(occurrence, live=False, why="its run is not kept any more")
    failed = status in {RunStatus.FAILED, RunStatus.TIMEOUT} and occurrence.error is not None
    if not failed or occurrence.error is None or not passing(occurrence.error):
        return evolve(occurrence, live=False)
    if occurrence.retries >= MOST_RETRIES:
        return evolve(occurrence, live=False, why=f"failed for a passing reason, and so did {MOST_RETRIES} retries")
    if not schedule.active:
        return evolve(occurrence, live=False, why=f"not tried again: {_paused(schedule)}")
    return evolve(occurrence, live=False, retry_at=ended + retry_delay(occurrence.retries + 1))


def retried(schedule: Schedule, occurrence: Occurrence, live: Sequence[Occurrence], now: datetime) -> Fire | Occurrence:
    """Decide about an occurrence whose retry is due: start it, or keep what is returned instead."""
    if not schedule.active:
        return evolve(occurrence, retry_at=None, why=f"not tried again: {_paused(schedule)}")
    if not live:
        return Fire()
    if schedule.overlap is Overlap.CANCEL_PREVIOUS:
        return evolve(occurrence, retry_at=None, why="not tried again: a later occurrence of the schedule runs")
    return evolve(occurrence, retry_at=now + retry_delay(1))


def not_accepted(occurrence: Occurrence, failure: Failure, now: datetime) -> Occurrence:
    """Return a DUE occurrence that was refused: put off for an hour at most while the queue is full, else decided."""
    said = f"{failure.reason}: {failure.message}"
    if failure.reason is not Reason.QUEUE_FULL:
        return evolve(occurrence, state=OccurrenceState.SKIPPED, act_at=None, why=said)
    if now - occurrence.due_at > PATIENCE:
        return evolve(occurrence, state=OccurrenceState.MISSED, act_at=None, why=said)
    return evolve(occurrence, act_at=now + timedelta(seconds=failure.retry_after or 60), why=said)


def not_retried(occurrence: Occurrence, failure: Failure, now: datetime) -> Occurrence:
    """Return an occurrence whose retry was refused: put off for an hour while the queue is full, else given up."""
    said = f"{failure.reason}: {failure.message}"
    if failure.reason is Reason.QUEUE_FULL and occurrence.ended_at and now - occurrence.ended_at <= PATIENCE:
        return evolve(occurrence, retry_at=now + timedelta(seconds=failure.retry_after or 60), why=said)
    return evolve(occurrence, retry_at=None, why=f"not tried again: {said}")


def _paused(schedule: Schedule) -> str:
    return f"the schedule was paused: {schedule.note}" if schedule.note else "the schedule was paused"
