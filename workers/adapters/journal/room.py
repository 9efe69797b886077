"""What the parts of the journal share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import frozen

from workers.adapters.journal.batching import Spawn
from workers.adapters.journal.database import Address, Database
from workers.adapters.journal.wake import Bell
from workers.ports import Failpoint


@frozen
class Suspicion:
    """How runs whose worker died are taken up, in seconds.

    One alone shuts its worker for `shut`; one that has waited `patience` is taken beside others.
    """

    shut: float = 2.0
    patience: float = 5.0

    @property
    def terms(self) -> tuple[float, float]:
        """Return what the statements take."""
        return self.shut, self.patience


@frozen
class Room:
    """Connections for callers and for workers apart, so that a flood of calls never delays a heartbeat.

    `numbers` gives ever larger numbers, different from those of any other process that uses the journal.
    """

    address: Address
    callers: Database
    workers: Database
    bell: Bell
    spawn: Spawn
    numbers: Iterator[int]
    failpoint: Failpoint
    roll: Callable[[], float]
    lease_seconds: float
    waiting_limit_total: int
    suspicion: Suspicion
