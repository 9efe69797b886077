"""The runs this replica holds a lease on, and the ways in which one is interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from enum import Enum
from uuid import UUID

from attrs import define
from prometheus_client import Gauge

from workers.model.lease import Lease

slots_leased = Gauge("slots_leased", "Runs this replica holds a lease on")


class Interruption(Enum):
    """Why a run stops before its steps are done."""

    CANCEL = "the caller asked it to stop"
    LOST = "the lease is somebody else's, or could not be renewed"
    STOPPING = "this replica stops"
    TIMEOUT = "it took longer than its pipeline allows"


@define(eq=False)
class Holding:
    """One lease, when it was last renewed (monotonic seconds), and the word that interrupts its run."""

    lease: Lease
    renewed: float
    interrupted: asyncio.Future[Interruption]

    def interrupt(self, why: Interruption) -> None:
        """Ask the run to stop; only the first word counts."""
        if not self.interrupted.done():
            self.interrupted.set_result(why)

    @property
    def lost(self) -> bool:
        """Whether the lease is given up here."""
        return self.interrupted.done() and self.interrupted.result() is Interruption.LOST


class Holdings:
    """What is held, by fence: a run whose lease was lost may be held again before its former self has ended."""

    def __init__(self) -> None:
        self._held: dict[int, Holding] = {}

    def hold(self, lease: Lease, renewed: float) -> Holding:
        """Keep a lease that was just claimed; an older one of the same run is lost."""
        for older in self:
            if older.lease.run.run_id == lease.run.run_id:
                older.interrupt(Interruption.LOST)
        holding = Holding(lease, renewed, asyncio.get_running_loop().create_future())
        self._held[lease.fence] = holding
        slots_leased.set(len(self._held))
        return holding

    def drop(self, holding: Holding) -> None:
        """Forget a lease whose run is over here."""
        self._held.pop(holding.lease.fence, None)
        slots_leased.set(len(self._held))

    def of(self, lease: Lease) -> Holding | None:
        """Return what is held under this very lease."""
        return self._held.get(lease.fence)

    @property
    def fences(self) -> Mapping[UUID, int]:
        """Run → fence of every lease to be renewed."""
        return {holding.lease.run.run_id: fence for fence, holding in self._held.items() if not holding.lost}

    def __iter__(self) -> Iterator[Holding]:
        return iter(tuple(self._held.values()))

    def __len__(self) -> int:
        return len(self._held)
