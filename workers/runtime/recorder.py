"""Writes what happens to one run into the journal, as long as the lease holds and through the journal's absences."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from workers.model.failure import FailedError, Reason
from workers.model.lease import Lease, Mark, StaleFenceError
from workers.model.pause import Pause
from workers.ports import Clock, Dispatch
from workers.runtime.holdings import Interruption

PAUSES = (0.2, 0.5, 1.0, 2.0)


class Recorder:
    """One run's way into the journal."""

    def __init__(
        self,
        dispatch: Dispatch,
        lease: Lease,
        interrupted: asyncio.Future[Interruption],
        clock: Clock,
        roll: Callable[[], float],
    ) -> None:
        self._dispatch = dispatch
        self.lease = lease
        self._interrupted = interrupted
        self._clock = clock
        self._roll = roll
        self._kept: tuple[Mark, ...] = ()

    def keep(self, *marks: Mark) -> None:
        """Have marks written in the next commit of the run, before what it is made for."""
        self._kept += marks

    async def record(self, *marks: Mark) -> None:
        """Write marks in one commit; while the journal is away, try again until the lease is lost (StaleFenceError)."""
        kept, self._kept = self._kept, ()
        if kept or marks:
            try:
                await self._insist(lambda: self._dispatch.record(self.lease, *kept, *marks))
            except BaseException:
                self._kept = kept + self._kept
                raise

    async def snooze(self, delay: float, why: str, pause: Pause, failure: Reason | None) -> None:
        """Give the run back for `delay` seconds, as insistently."""
        await self._insist(lambda: self._dispatch.snooze(self.lease, delay, why, pause, failure))

    async def _insist(self, write: Callable[[], Awaitable[None]]) -> None:
        tries = 0
        while True:
            if self._interrupted.done() and self._interrupted.result() is Interruption.LOST:
                raise StaleFenceError
            try:
                await write()
            except FailedError as error:
                if not error.failure.retryable:
                    raise
            else:
                return
            await self._clock.sleep(PAUSES[min(tries, len(PAUSES) - 1)] * (0.5 + self._roll()))
            tries += 1
