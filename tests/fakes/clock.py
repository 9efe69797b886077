"""A clock that stands still until a test moves it; sleepers wake in the order of their deadlines."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)


class ManualClock:
    """Keeps `workers.ports.Clock`. Nothing passes time but `advance`."""

    def __init__(self, now: datetime = NOON) -> None:
        self._start = now
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self._asleep = asyncio.Condition()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        sleeper = (self._elapsed + seconds, asyncio.get_running_loop().create_future())
        self._sleepers.append(sleeper)
        try:
            async with self._asleep:
                self._asleep.notify_all()
            await sleeper[1]
        finally:
            self._sleepers.remove(sleeper)

    async def until_asleep(self, count: int = 1) -> None:
        """Wait until at least `count` sleepers wait for time to pass."""
        async with self._asleep:
            await self._asleep.wait_for(lambda: self.sleeping >= count)

    @property
    def sleeping(self) -> int:
        """How many sleepers have not been woken."""
        return sum(not waiting.done() for _, waiting in self._sleepers)

    @property
    def next_wake(self) -> float | None:
        """Seconds until the next sleeper is due."""
        due = [deadline for deadline, waiting in self._sleepers if not waiting.done()]
        return min(due) - self._elapsed if due else None

    def advance(self, seconds: float) -> None:
        """Let time pass; due sleepers run when the caller next awaits."""
        self._elapsed += seconds
        for deadline, waiting in sorted(self._sleepers, key=lambda sleeper: sleeper[0]):
            if deadline <= self._elapsed and not waiting.done():
                waiting.set_result(None)
