"""Runs that a test holds back: how many were here at once, who interrupted them, and the ways to put them in."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

from tests.fakes.until import until
from tests.fakes.workshop import Workshop
from workers.model.lease import Lease, RunEnded
from workers.model.run import RunStatus
from workers.runtime.holdings import Interruption
from workers.runtime.pool import Pool

Word = asyncio.Future[Interruption]


class Crowd:
    """Runs that say when they are here and stay until they are let go; the most that were here at once is kept."""

    def __init__(self, shop: Workshop) -> None:
        self._journal = shop.journal
        self.here: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.most_in_all = 0
        self.arrived = asyncio.Semaphore(0)
        self.words: dict[UUID, Word] = {}
        self.let_go = asyncio.Event()

    async def run(self, lease: Lease, word: Word) -> None:
        org = lease.run.org_slug
        self.words[lease.run.run_id] = word
        self.here[org] += 1
        self.most[org] = max(self.most[org], self.here[org])
        self.most_in_all = max(self.most_in_all, self.here.total())
        self.arrived.release()
        let_go = asyncio.get_running_loop().create_task(self.let_go.wait())
        ends: set[asyncio.Future[Any]] = {let_go, word}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        let_go.cancel()
        self.here[org] -= 1
        if not word.done():
            await self._journal.record(lease, RunEnded(RunStatus.COMPLETED))

    async def arrivals(self, count: int) -> None:
        async with asyncio.timeout(10):
            for _ in range(count):
                await self.arrived.acquire()


async def submitted(shop: Workshop, count: int, org: str = "acme") -> list[UUID]:
    if not (shop.folder / "lab").exists():
        await shop.declare()
    return [await shop.submit(org) for _ in range(count)]


async def idle(shop: Workshop, pool: Pool) -> None:
    async def nothing_is_held() -> bool:
        return not pool.held and not (await shop.journal.depth()).running

    await until(nothing_is_held, pause=0)
