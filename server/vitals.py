"""Keeps the health flag true: serving while the journal answers, organisations are known, and the loop turns.

Decision: a replica that lost an essential actor stops as on SIGTERM and exits with 70. Context: an actor that died too
often stays down, and a replica without it would answer callers while it claims nothing, keeps no lease or knows no key;
whoever runs the process starts a whole one again. Price: its runs are given back. Any other actor that is down leaves
the replica ready, and shows in `actor_given_up_total`, which operators should have an alarm on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from attrs import define

from server.health import Health
from workers.model.failure import FailedError
from workers.ports import Clock, Upkeep

log = structlog.get_logger()

PERIOD, IMPATIENT_PERIOD = 1.0, 0.1
PATIENCE = 3.0
ESSENTIAL = frozenset({"claimer", "directory", "fence", "heartbeat", "journal-bell", "scheduler", "vitals"})


@define
class Vitals:
    """An actor. `known` says whether organisations can be looked up, `sick` whether the loop stood still.

    `down` names the actors that were given up.
    """

    health: Health
    journal: Upkeep
    clock: Clock
    known: Callable[[], bool]
    sick: Callable[[], bool]
    patience: float = PATIENCE
    down: Callable[[], frozenset[str]] = frozenset
    stopping: bool = False

    async def run(self) -> None:
        """Look every second, more often while it is not well: callers wait for that to end."""
        while not self.stopping:
            well = await self.well()
            if self.stopping:
                return
            if well != self.health.serving:
                log.info("health changed", serving=well)
                await self.health.set(serving=well)
            await self.clock.sleep(PERIOD if well else IMPATIENT_PERIOD)

    async def stop(self) -> None:
        """Say NOT_SERVING, for good."""
        self.stopping = True
        await self.health.set(serving=False)

    async def well(self) -> bool:
        """Ask everything that must answer."""
        if self.sick() or not self.known() or self.down() & ESSENTIAL:
            return False
        try:
            async with asyncio.timeout(self.patience):
                await self.journal.ping()
        except (FailedError, TimeoutError):
            return False
        return True
