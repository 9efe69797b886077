"""The workers' part of a real journal, which can be away, or keep a heartbeat waiting, when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from uuid import UUID

from workers.adapters.journal import PostgresJournal
from workers.model.bookmark import Bookmark
from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.lease import Beat, Lease, Mark
from workers.model.pause import Pause

AWAY = Failure(Code.UNAVAILABLE, Reason.SERVICE_UNAVAILABLE, "the journal is not available", retryable=True)


class ShakyDispatch:
    """Keeps `workers.ports.Dispatch`. `refused` counts the calls that found it away; `answering` holds heartbeats.

    `writes` counts the calls of record that did not find it away. While it is `mute`, nobody is woken.
    """

    def __init__(self, journal: PostgresJournal) -> None:
        self._journal = journal
        self.away = self.mute = False
        self.refused = asyncio.Semaphore(0)
        self.answering = asyncio.Event()
        self.answering.set()
        self.beats = asyncio.Semaphore(0)
        self.claimed = asyncio.Semaphore(0)
        self.writes = 0

    def _check(self) -> None:
        if self.away:
            self.refused.release()
            raise FailedError(AWAY)

    async def claim(self, worker: str, free: int) -> tuple[Lease, ...]:
        self._check()
        leases = await self._journal.claim(worker, free)
        self.claimed.release()
        return leases

    async def heartbeat(self, worker: str, held: Mapping[UUID, int]) -> tuple[Beat, ...]:
        self._check()
        self.beats.release()
        await self.answering.wait()
        return await self._journal.heartbeat(worker, held)

    async def record(self, lease: Lease, *marks: Mark) -> None:
        self._check()
        self.writes += 1
        await self._journal.record(lease, *marks)

    async def snooze(
        self, lease: Lease, delay: float, why: str, pause: Pause = Pause.ASKED, failure: Reason | None = None
    ) -> None:
        self._check()
        await self._journal.snooze(lease, delay, why, pause, failure)

    async def attend(self, worker: str, slots: int, seconds: float) -> None:
        await self._journal.attend(worker, slots, seconds)

    async def release(self, worker: str) -> int:
        self._check()
        return await self._journal.release(worker)

    async def recover(self, worker: str) -> int:
        return await self._journal.recover(worker)

    async def declare(self, config_hash: str, source: str) -> None:
        await self._journal.declare(config_hash, source)

    async def bookmark(self, org: str, pipeline_id: str, step_id: str) -> Bookmark:
        self._check()
        return await self._journal.bookmark(org, pipeline_id, step_id)

    async def declaration(self, config_hash: str) -> str | None:
        self._check()
        return await self._journal.declaration(config_hash)

    def on_wake(self, call: Callable[[], None]) -> None:
        if not self.mute:
            self._journal.on_wake(call)
