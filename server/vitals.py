"""Keeps the health flag true: serving while the journal answers, organisations are known, and the loop turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from attrs import define

from server.health import Health
from workers.model.failure import FailedError
from workers.ports import Clock, Upkeep

log = structlog.get_logger()

PERIOD = 1.0
PATIENCE = 3.0


@define
class Vitals:
    """An actor. `known` says whether organisations can be looked up, `sick` whether the loop stood still."""

    health: Health
    journal: Upkeep
    clock: Clock
    known: Callable[[], bool]
    sick: Callable[[], bool]
    stopping: bool = False

    async def run(self) -> None:
        """Look every second."""
        while not self.stopping:
            well = await self.well()
            if self.stopping:
                return
            if well != self.health.serving:
                log.info("health changed", serving=well)
                await self.health.set(serving=well)
            await self.clock.sleep(PERIOD)

    async def stop(self) -> None:
        """Say NOT_SERVING, for good."""
        self.stopping = True
        await self.health.set(serving=False)

    async def well(self) -> bool:
        """Ask everything that must answer."""
        if self.sick() or not self.known():
            return False
        try:
            async with asyncio.timeout(PATIENCE):
                await self.journal.ping()
        except (FailedError, TimeoutError):
            return False
        return True
