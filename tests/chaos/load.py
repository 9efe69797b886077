"""Steady callers: each asks for runs one after another under keys of its own, as often as it takes."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import define, field

from tests.chaos.arena import Arena
from tests.fakes.org_client import NOTHING
from tests.fakes.until import until

_NUMBERS = itertools.count()


@define
class Load:
    """What was accepted so far, by key."""

    arena: Arena
    acked: dict[str, str] = field(factory=dict)
    _stop: asyncio.Event = field(factory=asyncio.Event)

    async def call(self, number: int) -> None:
        """Ask for runs of one organisation until the load is over."""
        org = self.arena.org(number)
        while not self._stop.is_set():
            key = f"load {org.slug} {next(_NUMBERS)}"
            self.acked[key] = await self.arena.accepted(org, NOTHING, key, note=key)

    async def more(self, count: int) -> None:
        """Wait until so many more were accepted."""
        enough = len(self.acked) + count

        async def there() -> bool:
            return len(self.acked) >= enough

        await until(there, 60)

    def stop(self) -> None:
        """Let each caller end its call."""
        self._stop.set()


@asynccontextmanager
async def loaded(arena: Arena, callers: int = 4) -> AsyncIterator[Load]:
    """Keep so many callers asking until the end of the block."""
    load = Load(arena)
    async with asyncio.TaskGroup() as group:
        for number in range(callers):
            group.create_task(load.call(number))
        yield load
        load.stop()
