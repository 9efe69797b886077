"""Who may write for a run, what is added to the journal, and what a holder of a lease reports to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from attrs import field, frozen

from workers.model.fairness import Contest
from workers.model.notice import Event, Notice
from workers.model.page import Receipt
from workers.model.run import Progress, Run, RunError, RunStatus, StepRun, TriggerType


@frozen
class LaneTerms:
    """What an organisation may do now, as its subscription says: runs at once, its weight, and its bounds."""

    cap: int
    weight: float = 1.0
    daily_limit: int = 1_000_000
    monthly_limit: int = 1_000_000
    waiting_limit: int = 1000


@frozen
class NewRun:
    """A run to be accepted.

    `parameters_hash` covers the pipeline and its typed parameters (the same live run is returned instead of a second
    one, unless `force_refresh`); `body_hash` covers what the caller sent under `idempotency_key`; `adopt` names the
    steps whose outcome is copied from `retry_of`, of which one retry is live at a time; `audit` is the row that tells
    who asked, kept in the same commit, with the run that stands for the request as its resource.
    """

    run_id: UUID
    org_slug: str
    provider: str
    domain: str
    pipeline: str
    pipeline_id: str
    config_hash: str
    run_date: date
    parameters: Mapping[str, Any]
    parameters_hash: str
    steps: tuple[StepRun, ...]
    terms: LaneTerms
    trigger_type: TriggerType = TriggerType.API
    trigger_by: str = ""
    key_id: str = ""
    idempotency_key: str | None = None
    body_hash: str = ""
    force_refresh: bool = False
    retry_of: UUID | None = None
    adopt: tuple[str, ...] = ()
    priority: int = 100
    trace_id: str = ""
    audit: Mapping[str, Any] | None = None


@frozen
class Added:
    """What accepting gave: the run's id and status, and whether it was there before."""

    run_id: UUID
    status: RunStatus
    existing: bool = False


@frozen
class KnownKey:
    """What an idempotency key stands for."""

    run_id: UUID
    body_hash: str
    status: RunStatus


@frozen
class Lease:
    """The right to write for a run until it expires: every write carries `fence`, and an old one writes nothing.

    `run_seq` orders runs of one organisation by acceptance: an older run never overwrites the days of a newer one.
    """

    run: Run
    fence: int
    run_seq: int
    worker: str


@frozen
class Beat:
    """A lease that was renewed, and whether the run was asked to stop."""

    run_id: UUID
    cancelling: bool


@frozen
class StepBegan:
    """A step starts its `attempt`."""

    step_id: str
    attempt: int


@frozen
class StepEnded:
    """A step has its outcome: status, counts, error and output as in `step`."""

    step: StepRun


@frozen
class Progressed:
    """A step is further."""

    step_id: str
    progress: Progress


@frozen
class Checkpointed:
    """State that a later attempt of the step starts from."""

    step_id: str
    state: Mapping[str, Any]


@frozen
class PageRead:
    """A page was read, the `ordinal`th of the attempt: an attempt may read from several places, each from page 1."""

    step_id: str
    attempt: int
    receipt: Receipt
    ordinal: int = 0


@frozen
class Logged:
    """A line for whoever watches."""

    message: str
    step_id: str = ""


@frozen
class Noticed:
    """Something of the run is to be told: what a step asked for, at its end, or an `event` now."""

    step_id: str = ""
    notice: Notice | None = None
    event: Event | None = None
    why: str = ""


@frozen
class RunEnded:
    """The run is over; the slot is given back and the outbox told in the same commit."""

    status: RunStatus
    error: RunError | None = None


Mark = StepBegan | StepEnded | Progressed | Checkpointed | PageRead | Logged | Noticed | RunEnded


class StaleFenceError(Exception):
    """Somebody else may write for the run now; nothing was written."""


@frozen
class Parcel:
    """Something the outbox holds for the warehouse: `kind` run, quota or audit.

    Parcels read together share a `batch`, and keep it until they are published: publishing the same batch again is the
    same job to the warehouse.
    """

    parcel_id: int
    kind: str
    batch: str
    payload: Mapping[str, Any] = field(factory=dict)


@frozen
class QuotaCount:
    """Counters of one organisation and UTC day, and when a run of it last completed, that day or before."""

    org_slug: str
    day: date
    started: int
    succeeded: int
    failed: int
    started_in_month: int
    running: int
    most_running: int
    last_completed_at: datetime | None = None


@frozen
class LaneDepth:
    """How much waits and runs in the lanes of one weight, the longest wait in seconds, and how they share slots."""

    weight: float
    waiting: int
    delayed: int
    running: int
    oldest_wait: float
    contest: Contest = field(factory=Contest)


@frozen
class Depth:
    """How much waits and runs, by the weight of its lanes and in all, and what the warehouse has not got yet.

    `oldest_transaction` is for how many seconds anybody's transaction has stood on the journal's database: while one
    stands, nothing that was deleted since is cleared away.
    """

    lanes: tuple[LaneDepth, ...]
    outbox: int
    oldest_transaction: float = 0.0

    @property
    def waiting(self) -> int:
        """Runs that could start if a slot were free."""
        return sum(lane.waiting for lane in self.lanes)

    @property
    def delayed(self) -> int:
        """Runs that wait for a time."""
        return sum(lane.delayed for lane in self.lanes)

    @property
    def running(self) -> int:
        """Runs under a lease."""
        return sum(lane.running for lane in self.lanes)
