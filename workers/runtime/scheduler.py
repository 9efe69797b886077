"""Sees to it that every schedule is looked at when its time has come; any number of schedulers may do so at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any

import structlog
from attrs import frozen

from workers.model.failure import FailedError
from workers.model.overview import Outlook
from workers.model.timetable import Held
from workers.ports import Clock, Rounds, Timetable
from workers.runtime.firing import Firing
from workers.runtime.supervisor import Supervisor

log = structlog.get_logger()

ANOTHERS_SECONDS = 2.0


@frozen
class Scheduler:
    """Looks every `interval` seconds. What is due is told by the journal's clock alone.

    `spawn` starts what ends by itself: schedules held together are looked at beside one another.
    """

    rounds: Rounds
    timetable: Timetable
    firing: Firing
    spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
    clock: Clock
    roll: Callable[[], float]
    interval: float = 1.0

    def start(self, supervisor: Supervisor) -> None:
        """Put the actor under the supervisor."""
        supervisor.add("scheduler", self.run)

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.clock.sleep(self.interval * (0.5 + self.roll()))
            try:
                await self.attend()
                await self.rounds.note_starts()
            except FailedError as error:
                log.warning("scheduling put off", reason=error.failure.reason)

    async def attend(self, org: str | None = None, until: datetime | None = None, seconds: float = 600.0) -> None:
        """Look at every schedule whose time had come by `until`, or as many as `seconds` allow."""
        deadline = self.clock.monotonic() + seconds
        while held := await self.rounds.hold(org, until):
            await self._look(held)
            if self.clock.monotonic() > deadline:
                return

    async def _look(self, held: Sequence[Held]) -> None:
        looks = {self.spawn(self.firing.look(one)) for one in held}
        try:
            done, _ = await asyncio.wait(looks)
        finally:
            for look in looks:
                look.cancel()
        for look in done:
            look.result()

    async def trigger(self, org: str | None, until: datetime | None, seconds: float) -> Outlook:
        """Do at once what the actor would do, wait a little for what others are doing, and return what is next."""
        await self.attend(org, until, seconds)
        patience = self.clock.monotonic() + min(seconds, ANOTHERS_SECONDS)
        outlook = await self.timetable.outlook(org, until)
        while outlook.unseen and self.clock.monotonic() < patience:
            await self.clock.sleep(0.05)
            await self.attend(org, until, seconds)
            outlook = await self.timetable.outlook(org, until)
        return outlook
