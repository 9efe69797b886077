"""One execution of a pipeline, and the only place where its state changes: `advance`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any, assert_never
from uuid import UUID

import attrs
from attrs import field, frozen

from workers.model.bookmark import Bookmark
from workers.model.failure import Code, Failure, Reason


class RunStatus(StrEnum):
    """States of a run, as they stand on the wire and in the journal."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    TIMEOUT = "TIMEOUT"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"
    QUARANTINED = "QUARANTINED"

    @property
    def terminal(self) -> bool:
        """Whether the run can never change again."""
        return self not in {RunStatus.PENDING, RunStatus.RUNNING, RunStatus.CANCELLING}


class StepStatus(StrEnum):
    """States of a step."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"

    @property
    def settled(self) -> bool:
        """Whether the step has an outcome."""
        return self not in {StepStatus.PENDING, StepStatus.RUNNING}


class TriggerType(StrEnum):
    """What started a run."""

    API = "api"
    SCHEDULER = "scheduler"
    BACKFILL = "backfill"
    RETRY = "retry"
    PUBSUB = "pubsub"


@frozen
class RunError:
    """Why a run or step failed, without secret or payload."""

    code: Code
    reason: Reason
    message: str
    step: str = ""

    @classmethod
    def of(cls, failure: Failure, step: str = "") -> RunError:
        """Keep what may be shown of a failure."""
        return cls(failure.code, failure.reason, failure.message, step)


@frozen
class Progress:
    """What a step has done so far; bytes are those read from the provider or billed by the warehouse."""

    rows: int = 0
    pages: int = 0
    bytes: int = 0


@frozen
class StepRun:
    """One step of a run, as journalled; `bookmark` is one to move with its outcome, and not found on it later."""

    step_id: str
    ps_type: str
    status: StepStatus = StepStatus.PENDING
    attempt: int = 0
    rows: int = 0
    bytes: int = 0
    start_time: datetime | None = None
    end_time: datetime | None = None
    error: RunError | None = None
    output: Mapping[str, Any] = field(factory=dict)
    checkpoint: Mapping[str, Any] = field(factory=dict)
    bookmark: Bookmark | None = None


@frozen
class Run:
    """One execution of a pipeline for one organisation; `parameters` are typed and JSON-ready (dates as text)."""

    run_id: UUID
    org_slug: str
    provider: str
    domain: str
    pipeline: str
    pipeline_id: str
    config_hash: str
    status: RunStatus
    created_at: datetime
    run_date: date
    parameters: Mapping[str, Any] = field(factory=dict)
    trigger_type: TriggerType = TriggerType.API
    trigger_by: str = ""
    attempt: int = 0
    start_time: datetime | None = None
    end_time: datetime | None = None
    error: RunError | None = None
    steps: tuple[StepRun, ...] = ()
    retry_of: UUID | None = None
    trace_id: str = ""
    key_id: str = ""
    force_refresh: bool = False

    def step(self, step_id: str) -> StepRun:
        """Return the step of that name; KeyError when the run has none."""
        for step in self.steps:
            if step.step_id == step_id:
                return step
        raise KeyError(step_id)


class EventType(StrEnum):
    """Kinds of event a watcher sees."""

    QUEUED = "QUEUED"
    STARTED = "STARTED"
    STEP_STARTED = "STEP_STARTED"
    PROGRESS = "PROGRESS"
    LOG = "LOG"
    STEP_FINISHED = "STEP_FINISHED"
    HEARTBEAT = "HEARTBEAT"
    TERMINAL = "TERMINAL"


@frozen
class RunEvent:
    """One thing that happened to a run, numbered from 1 without gaps."""

    sequence: int
    time: datetime
    type: EventType
    step_id: str = ""
    status: str = ""
    progress: Progress | None = None
    message: str = ""
    error: RunError | None = None


@frozen
class Started:
    """A worker took the run."""

    at: datetime


@frozen
class Returned:
    """The run goes back to its lane: released by a stop, snoozed, or its worker died."""


@frozen
class CancelAsked:
    """The caller wants it to stop."""

    at: datetime


@frozen
class Ended:
    """The run is over with this outcome."""

    at: datetime
    status: RunStatus
    error: RunError | None = None


Change = Started | Returned | CancelAsked | Ended

_ENDS = {
    RunStatus.PENDING: {RunStatus.CANCELLED, RunStatus.QUARANTINED, RunStatus.FAILED},
    RunStatus.RUNNING: {RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.TIMEOUT, RunStatus.QUARANTINED},
    RunStatus.CANCELLING: {RunStatus.CANCELLED, RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.QUARANTINED},
}


class TransitionError(ValueError):
    """A change that the run's state does not allow; the run is unchanged."""


def advance(run: Run, change: Change) -> Run:
    """Return the run after a change; raise TransitionError when its state does not allow it.

    A terminal run never changes; asking twice to cancel changes nothing; a cancelled run that returns stays
    CANCELLING, so that whoever takes it next ends it.
    """
    if run.status.terminal:
        raise TransitionError(f"{run.status} is final")
    match change:
        case Started(at):
            return _start(run, at)
        case Returned():
            return _give_back(run)
        case CancelAsked(at):
            return _ask_to_cancel(run, at)
        case Ended():
            return _end(run, change)
        case _ as never:
            assert_never(never)


def _start(run: Run, at: datetime) -> Run:
    started = run.start_time or at
    if run.status is RunStatus.PENDING:
        return attrs.evolve(run, status=RunStatus.RUNNING, start_time=started, attempt=run.attempt + 1)
    if run.status is RunStatus.CANCELLING:
        return attrs.evolve(run, start_time=started, attempt=run.attempt + 1)
    raise TransitionError("already running")


def _give_back(run: Run) -> Run:
    match run.status:
        case RunStatus.RUNNING:
            return attrs.evolve(run, status=RunStatus.PENDING)
        case RunStatus.CANCELLING:
            return run
        case _:
            raise TransitionError(f"a {run.status} run has no worker to return it")


def _ask_to_cancel(run: Run, at: datetime) -> Run:
    if run.status is RunStatus.PENDING:
        return attrs.evolve(run, status=RunStatus.CANCELLED, end_time=at)
    return attrs.evolve(run, status=RunStatus.CANCELLING)


def _end(run: Run, ended: Ended) -> Run:
    if ended.status not in _ENDS[run.status]:
        raise TransitionError(f"a {run.status} run cannot end {ended.status}")
    return attrs.evolve(run, status=ended.status, end_time=ended.at, error=ended.error)
