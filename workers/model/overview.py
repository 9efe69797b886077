"""What callers see of the queue and of the scheduler's work, as values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from attrs import frozen

from workers.model.timetable import Occurrence


@frozen
class Lane:
    """An organisation's part of the queue: what waits and runs, its terms, and its longest wait in seconds."""

    org_slug: str
    depth: int
    running: int
    cap: int
    weight: float
    oldest_wait: float


@frozen
class QueuedRun:
    """A run that waits, or runs since `started_at`."""

    run_id: UUID
    org_slug: str
    pipeline_id: str
    running: bool
    priority: int
    accepted_at: datetime
    started_at: datetime | None
    trigger_type: str


@frozen
class SchedulerCounts:
    """Counts of now and of the UTC day; `average_seconds` is of the runs that completed in the last seven days."""

    active: int
    due_now: int
    undecided: int
    waiting: int
    running: int
    completed: int
    failed: int
    average_seconds: float
    next_due: datetime | None
    last_fired: datetime | None


@frozen
class Decided:
    """An occurrence with the schedule it is of; `created_at` is when it became a row, `parameters` are its run's."""

    schedule_id: UUID
    org_slug: str
    pipeline_id: str
    name: str
    priority: int
    created_at: datetime
    occurrence: Occurrence
    started_at: datetime | None = None
    parameters: Mapping[str, Any] | None = None


@frozen
class Outlook:
    """The next time anything is due, how many occurrences wait to be decided, and schedules nobody has looked at."""

    next_due: datetime | None
    queued: int
    unseen: int
