"""Ten minutes of a mixed load, or less than one with SHORT=1: whatever comes and goes, nothing that is held grows."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.chaos.arena import Arena
from tests.chaos.conftest import SHORT
from tests.chaos.mixed_load import MixedLoad
from tests.chaos.seed import chance
from tests.chaos.slopes import KINDS, Held, held_now, per_minute
from tests.fakes.until import until

RUNS_PER_SECOND = 5
# Pools and caches fill in the warm-up; what is at rest after it is what is at rest after the rest of the load.
WARM_UP, SECONDS = (15, 25) if SHORT else (60, 540)
MORE_AT_REST = {"mebibytes": 24, "files": 8, "threads": 12, "tasks": 5, "sessions": 4}
# Growth a minute under load; a shorter time is too short for a slope, a run more or less at its end would be one.
MOST = {"mebibytes": 2.0, "files": 1.0, "threads": 1.0, "tasks": 2.0, "sessions": 0.5}


@pytest.mark.short
@pytest.mark.promise("P2", "P4", "P7", "P13")
@pytest.mark.fault("F33")
async def test_nothing_that_the_service_holds_grows_under_a_mixed_load(arena: Arena) -> None:
    pid, at = arena.service.pid, time.monotonic()
    async with arena.running.answers.channel(arena.running.stack.edge.listen) as channel:
        load = MixedLoad(arena, chance("soak"), channel)
        await under(load, pid, WARM_UP)
        before = await held_now(arena.running, pid, time.monotonic())
        seen = await under(load, pid, SECONDS)
    await until(lambda: at_rest(arena, pid, before), 30, pause=0.5)
    print(f"\nsoak: {dict(load.counted)}\nat rest {before}\nloaded  {seen[-1]}\ngrowth a minute: {per_minute(seen)}")
    toll = await arena.charge(f"soak of {WARM_UP + SECONDS} s ({load.counted['runs']} runs)", 0, at, load.wanted)
    assert toll.harmless, toll
    assert arena.service.pid == pid
    assert SHORT or {kind: grown for kind, grown in per_minute(seen).items() if grown > MOST[kind]} == {}
    assert load.counted["cancelled"] + load.counted["hung up"] > 0.15 * load.counted["runs"]
    assert min(load.counted[way] for way in ("ndjson cut", "sse cut", "grpc cut", "fired")) > 0


async def under(load: MixedLoad, pid: int, seconds: int) -> list[Held]:
    """Look once a second, let a few more runs be asked for each time, and wait until nothing runs any more."""
    began, seen = time.monotonic(), list[Held]()
    async with load.going():
        while (now := time.monotonic()) < began + seconds:
            seen.append(await held_now(load.arena.running, pid, now))
            for _ in range(max(0, RUNS_PER_SECOND - load.pace._value)):
                load.pace.release()
            await asyncio.sleep(now + 1 - time.monotonic())  # the pace of the load, and of looking
    await until(lambda: idle(load.arena), 240, pause=0.5)
    return seen


async def idle(arena: Arena) -> bool:
    """Whether nothing waits or runs any more."""
    return bool(await arena.running.journal.fetchval("SELECT count(*) = 0 FROM queue"))


async def at_rest(arena: Arena, pid: int, before: Held) -> bool:
    """Whether no more is held than after the warm-up, but for what pools may open late."""
    held = await held_now(arena.running, pid, 0)
    return all(read(held) <= read(before) + MORE_AT_REST[kind] for kind, read in KINDS.items())
