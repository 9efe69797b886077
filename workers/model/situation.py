"""A run and what stands around it at one moment: the facts from which it is explained."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from attrs import field, frozen

from workers.model.failure import Reason
from workers.model.pause import Pause
from workers.model.run import Run

MOST_COUNTED = 1000
"""Runs or lanes that stand before another are counted so far; one more stands for more."""


@frozen
class Waiting:
    """It may start when its turn comes; `ahead` runs of its lane start before it."""

    ahead: int = 0


@frozen
class Suspected:
    """Its worker died; it is tried alone, or from `patient_until` beside others, after `ahead` such runs."""

    since: datetime
    patient_until: datetime
    ahead: int = 0


@frozen
class Paused:
    """It gave its slot back until a time; `failure` is what is tried again then."""

    until: datetime
    pause: Pause
    why: str
    failure: Reason | None = None


@frozen
class Leased:
    """A worker has it, until it fails to renew; `alone` says that the worker takes nothing beside it."""

    worker: str
    until: datetime
    alone: bool = False


Place = Waiting | Suspected | Paused | Leased


@frozen
class Holder:
    """Another run of the same organisation that holds a slot, and since when."""

    run_id: UUID
    pipeline_id: str
    since: datetime


@frozen
class LaneState:
    """The organisation's lane: its terms, what runs, and how many lanes start a run before it does.

    `holders` are some of the `running` runs, the asked one not among them; `running_in_all` counts every
    organisation's. `typical_seconds` is how long its last completed runs took, None when too few are known.
    """

    cap: int
    weight: float = 1.0
    running: int = 0
    holders: tuple[Holder, ...] = ()
    running_in_all: int = 0
    lanes_ahead: int = 0
    typical_seconds: float | None = None

    @property
    def share(self) -> float:
        """The part of all slots in use that the organisation has."""
        return self.running / self.running_in_all if self.running_in_all else 0.0


@frozen
class Fleet:
    """The replicas that work: how many, and their free slots. While `shut_until` they keep to a run tried alone."""

    workers: int = 0
    free: int = 0
    shut_until: datetime | None = None


@frozen
class Live:
    """It is not over; `crashes` counts the workers that died while they ran it alone."""

    place: Place
    lane: LaneState
    fleet: Fleet = field(factory=Fleet)
    crashes: int = 0


@frozen
class Ended:
    """It is over; another run retries it already, or its schedule starts one at `retry_at`."""

    retried_by: UUID | None = None
    retry_at: datetime | None = None


@frozen
class Situation:
    """A run at a moment of the journal's clock."""

    run: Run
    at: datetime
    state: Live | Ended
