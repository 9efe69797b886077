"""Schedules and their occurrences, as values. What is decided about them stands in workers/model/occurrences.py."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from attrs import field, frozen

from workers.model.run import RunError, RunStatus
from workers.model.schedule import Timing

USUAL_PRIORITY = 100


class CatchUp(StrEnum):
    """What becomes of occurrences that were due while no scheduler ran."""

    NONE = "none"
    LATEST = "latest"
    ALL = "all"


class Overlap(StrEnum):
    """What becomes of an occurrence that is due while the run of an earlier one is live."""

    SKIP = "skip"
    QUEUE = "queue"
    CANCEL_PREVIOUS = "cancel_previous"


class OccurrenceState(StrEnum):
    """States of an occurrence: DUE until it is decided, then one of the others for good."""

    DUE = "DUE"
    FIRED = "FIRED"
    SKIPPED = "SKIPPED"
    MISSED = "MISSED"


@frozen
class Schedule:
    """A pipeline of an organisation with the times at which it runs; one for each pipeline and name.

    `parameters` are as they came, typed for each occurrence. `version` grows with every change a caller makes.
    `next_due` is the next occurrence that is not a row yet, paused schedules included.
    """

    schedule_id: UUID
    org_slug: str
    provider: str
    domain: str
    pipeline: str
    name: str
    cron: str
    timezone: str = "UTC"
    parameters: Mapping[str, Any] = field(factory=dict)
    priority: int = USUAL_PRIORITY
    active: bool = True
    note: str = ""
    catch_up: CatchUp = CatchUp.LATEST
    overlap: Overlap = Overlap.SKIP
    jitter_seconds: int = 0
    version: int = 1
    next_due: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    last_run_at: datetime | None = None
    last_run_status: str = ""

    @property
    def timing(self) -> Timing:
        """When it is due."""
        return Timing.parse(self.cron, self.timezone)

    @property
    def path(self) -> str:
        """Where its pipeline is declared below configs/."""
        return "/".join(part for part in (self.provider, self.domain, self.pipeline) if part)

    @property
    def pipeline_id(self) -> str:
        """Identity of its pipeline for its organisation."""
        return "-".join(part for part in (self.org_slug, self.provider, self.domain, self.pipeline) if part)


@frozen
class Overdue:
    """Times after its `next_due` that are due and no rows yet, of a schedule as it stood at a version."""

    version: int
    times: tuple[datetime, ...] = ()


NOTHING_OVERDUE = Overdue(version=0)


@frozen
class Occurrence:
    """One time at which a schedule was due.

    While it is DUE it is looked at again at `act_at`, or when an earlier run ends if that is None. `late` says that it
    was due while no scheduler ran. Once it is FIRED, `run_ids` are the run it became and its retries, the last of
    which is `live` until its end is known; `retry_at` is when the next one starts. `status`, `error` and `ended_at`
    are the last run's.
    """

    due_at: datetime
    state: OccurrenceState = OccurrenceState.DUE
    act_at: datetime | None = None
    late: bool = False
    why: str = ""
    run_ids: tuple[UUID, ...] = ()
    live: bool = False
    retry_at: datetime | None = None
    decided_at: datetime | None = None
    status: RunStatus | None = None
    error: RunError | None = None
    ended_at: datetime | None = None

    @property
    def retries(self) -> int:
        """How often its run was started again."""
        return max(0, len(self.run_ids) - 1)


@frozen
class Held:
    """The right to write for a schedule until it expires: every write carries `fence`, an old one writes nothing.

    `now` is the database's time, the only one by which anything is due. `pending` are the occurrences that are DUE,
    whose run has not ended as far as is known, or that are to be tried again; oldest first.
    """

    schedule: Schedule
    fence: int
    now: datetime
    pending: tuple[Occurrence, ...] = ()


@frozen
class Round:
    """What is written when a schedule was looked at: changed occurrences, and what follows for the schedule.

    `disable` is the note of a schedule that is switched off, `last_run_status` what became of a run that ended.
    """

    occurrences: tuple[Occurrence, ...] = ()
    next_due: datetime | None = None
    disable: str | None = None
    last_run_status: str | None = None
    release: bool = True
