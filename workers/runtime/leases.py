"""Keeps the leases of what is held alive, and stops the effects of runs whose lease cannot be kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import structlog
from attrs import frozen

from workers.model.failure import FailedError
from workers.ports import Clock, Dispatch
from workers.runtime.holdings import Holding, Holdings, Interruption
from workers.runtime.supervisor import Supervisor

log = structlog.get_logger()

FENCED_AFTER = 0.8  # of a lease without a renewal: a run must have no more effects when it ends
FENCE_CHECKS = 30  # in one lease


@frozen
class LeaseKeeper:
    """Two actors: one renews and hears of cancellations, one fences; a heartbeat that hangs cannot delay the fence."""

    worker: str
    lease_seconds: float
    heartbeat_seconds: float
    dispatch: Dispatch
    held: Holdings
    clock: Clock
    roll: Callable[[], float]

    def start(self, supervisor: Supervisor) -> None:
        """Put the actors under the supervisor."""
        supervisor.add("heartbeat", self._keep)
        supervisor.add("fence", self._fence)

    async def _keep(self) -> None:
        while True:
            await self.clock.sleep(self.heartbeat_seconds * (0.9 + 0.2 * self.roll()))
            await self._renew()

    async def _renew(self) -> None:
        fences, held, asked = self.held.fences, tuple(self.held), self.clock.monotonic()
        if not fences:
            return
        try:
            async with asyncio.timeout(self.heartbeat_seconds):
                beats = await self.dispatch.heartbeat(self.worker, fences)
        except (FailedError, TimeoutError):
            log.warning("heartbeat failed", held=len(fences))
        else:
            _heed(held, asked, {beat.run_id: beat.cancelling for beat in beats})

    async def _fence(self) -> None:
        while True:
            await self.clock.sleep(self.lease_seconds / FENCE_CHECKS)
            limit = self.clock.monotonic() - FENCED_AFTER * self.lease_seconds
            for holding in self.held:
                if holding.renewed < limit:
                    holding.interrupt(Interruption.LOST)


def _heed(held: Sequence[Holding], asked: float, renewed: Mapping[UUID, bool]) -> None:
    """Take a heartbeat's answer: of what was held when it was asked, what is missing from it is lost."""
    for holding in held:
        cancelling = renewed.get(holding.lease.run.run_id)
        if cancelling is None:
            holding.interrupt(Interruption.LOST)
            continue
        holding.renewed = asked
        if cancelling:
            holding.interrupt(Interruption.CANCEL)
