"""Two replicas: one stops, one freezes; the other takes over, and who was too late writes nothing."""

from __future__ import annotations

import os
import signal
import time

import pytest

from sandbox.service import Service
from tests.chaos.arena import Arena
from tests.chaos.load import loaded
from tests.chaos.seed import chance
from tests.fakes.org_client import EXTRACT, NOTHING, OrgClient
from tests.fakes.until import until

KILLING_SECONDS, MOST_KILLS, RECOVERED_WITHIN = 60.0, 50, 40
FIRST = {"kind": "hang", "endpoint": "images", "times": None}


@pytest.mark.promise("P9")
async def test_a_run_of_a_replica_that_is_told_to_stop_goes_to_the_other_unharmed(arena: Arena) -> None:
    org, day = arena.org(5), arena.next_day()
    await arena.running.faults(FIRST)
    async with arena.replica() as second:
        run_id = await org.accepted(EXTRACT, date=day)
        await arena.asked_for("usage/images")
        holder = await _holder(arena, run_id, second)
        await arena.running.faults()
        at = time.monotonic()
        os.kill(holder, signal.SIGTERM)
        toll = await arena.charge("SIGTERM of the replica that runs it", 1, at, [run_id])
        run = await arena.run(org, run_id)
    assert toll.harmless, toll
    assert run["attempt"] == 1
    await arena.as_the_source(org, day)


@pytest.mark.fault("F10")
@pytest.mark.promise("P3")
async def test_a_replica_that_froze_writes_nothing_when_it_wakes(arena: Arena) -> None:
    org, day = arena.org(6), arena.next_day()
    await arena.running.faults(FIRST)
    async with arena.replica() as second:
        run_id = await org.accepted(EXTRACT, date=day)
        await arena.asked_for("usage/images")
        fence, holder = await arena.fence(run_id), await _holder(arena, run_id, second)
        await arena.running.faults()
        at = time.monotonic()
        os.kill(holder, signal.SIGSTOP)
        try:
            toll = await arena.charge("SIGSTOP of the replica that runs it", 1, at, [run_id])
            written = await arena.written(run_id)
        finally:
            os.kill(holder, signal.SIGCONT)
        awake = [await arena.accepted(org, NOTHING, f"awake {number}", note=str(number)) for number in range(20)]
        assert {await arena.ended(one) for one in awake} == {"COMPLETED"}
    assert toll.harmless, toll
    assert await arena.written(run_id) == written
    assert await arena.fence(run_id) > fence
    await arena.as_the_source(org, day)


@pytest.mark.fault("F15")
@pytest.mark.promise("P1", "P13")
async def test_the_journal_falls_over_under_load_and_no_accepted_run_is_lost(arena: Arena) -> None:
    falls = 3
    async with loaded(arena) as load:
        for _ in range(falls):
            await load.more(25)
            at = await _fall(arena)
        await load.more(25)
    acked = load.acked
    toll = await arena.charge(f"Postgres falls over under load ({len(acked)} runs)", falls, at, acked.values())
    assert toll.harmless, toll
    for key, run_id in list(acked.items())[-20:]:
        org = arena.running.org(key.split()[1])
        assert (await org.start(NOTHING, key=key, note=key)).json["run_id"] == run_id


@pytest.mark.fault("F3")
@pytest.mark.promise("P1", "P2", "P4", "P10", "P13")
async def test_three_replicas_that_are_killed_at_random_lose_nothing_of_a_mixed_load(arena: Arena) -> None:
    days: dict[str, OrgClient] = {}
    extracts: list[str] = []
    dice, began, kills = chance("kills"), time.monotonic(), 0
    async with arena.replica(ROLE="worker") as second, arena.replica(ROLE="worker") as third:
        async with loaded(arena) as load:
            while time.monotonic() - began < KILLING_SECONDS and kills < MOST_KILLS:
                day, org = arena.next_day(), arena.org(6 + kills % 2)
                days[day] = org
                extracts.append(await arena.accepted(org, EXTRACT, day, date=day))
                await load.more(dice.randrange(5, 40))
                at = await _kill_one(arena, dice.choice((None, second, third)))
                kills += 1
                await arena.cleared()
        acked = [*load.acked.values(), *extracts]
        toll = await arena.charge(f"kill -9 at random, three replicas ({len(acked)} runs)", kills, at, acked)
    assert toll.harmless, toll
    assert toll.recovered_in < RECOVERED_WITHIN
    for day, org in days.items():
        await arena.as_the_source(org, day)


async def _kill_one(arena: Arena, other: Service | None) -> float:
    """Kill the sandbox's service, which comes back by itself, or another one, which is started again here."""
    if other is None:
        before = arena.service.pid
        at = await arena.kill()
        await arena.reborn(before)
        return at
    os.kill(other.pid, signal.SIGKILL)
    at = time.monotonic()
    await other.stop()
    await other.start()
    return at


async def _holder(arena: Arena, run_id: str, second: Service) -> int:
    """Return the process that runs it: the second replica's name stands in its log, else it is the sandbox's."""
    worker = await arena.holder(run_id)
    return second.pid if f'"worker": "{worker}"' in second.log.read_text() else arena.service.pid


async def _fall(arena: Arena) -> float:
    """End Postgres as a power cut would; the sandbox starts it again."""
    postgres = arena.running.stack.parts["postgres"]
    before = postgres.pid
    os.kill(before, signal.SIGQUIT)

    async def back() -> bool:
        return postgres.pid not in {0, before}

    await until(back, 30)
    return time.monotonic()
