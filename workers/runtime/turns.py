"""Turns that the whole fleet takes one after another, on the journal's locks: who dies lets go of his."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import frozen

from workers.model.failure import SnoozeError
from workers.model.pause import Pause
from workers.ports import Clock, Upkeep

PATIENCE_SECONDS = 20.0
LOOK_SECONDS = 0.25
_LATER_SECONDS = 5.0


@frozen
class Turns:
    """Waits for a turn as long as a step may hold its slot; then SnoozeError."""

    _journal: Upkeep
    _clock: Clock

    @asynccontextmanager
    async def take(self, what: str) -> AsyncIterator[None]:
        """Hold the turn of `what` while inside."""
        until = self._clock.monotonic() + PATIENCE_SECONDS
        while True:
            async with self._journal.lead(what) as mine:
                if mine:
                    yield
                    return
            if self._clock.monotonic() >= until:
                raise SnoozeError(_LATER_SECONDS, f"another one holds the turn of {what}", pause=Pause.TURN)
            await self._clock.sleep(LOOK_SECONDS)
