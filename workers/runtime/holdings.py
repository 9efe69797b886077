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


class Holdings:
    """What is held, by run."""

    def __init__(self) -> None:
        self._held: dict[UUID, Holding] = {}

    def hold(self, lease: Lease, now: float) -> Holding:
        """Keep a lease that was just claimed."""
        holding = Holding(lease, now, asyncio.get_running_loop().create_future())
        self._held[lease.run.run_id] = holding
        slots_leased.set(len(self._held))
        return holding

    def drop(self, holding: Holding) -> None:
        """Forget a lease whose run is over here, unless a newer one took its place."""
        run_id = holding.lease.run.run_id
        if self._held.get(run_id) is holding:
            del self._held[run_id]
        slots_leased.set(len(self._held))

    def of(self, run_id: UUID) -> Holding | None:
        """Return what is held of a run."""
        return self._held.get(run_id)

    @property
    def fences(self) -> Mapping[UUID, int]:
        """Run → fence of every lease held."""
        return {run_id: holding.lease.fence for run_id, holding in self._held.items()}

    def __iter__(self) -> Iterator[Holding]:
        return iter(tuple(self._held.values()))

    def __len__(self) -> int:
        return len(self._held)
