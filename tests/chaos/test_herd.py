"""Everybody at once: a start with thousands of runs queued."""

from __future__ import annotations

import time

import pytest

from tests.chaos.arena import ORGS, Arena
from tests.chaos.crowd import queued
from tests.fakes.org_client import EXTRACT, NOTHING
from tests.fakes.until import until

QUEUED = 5000
EXTRACTS, PER_MINUTE, BURST = 12, 300, 60


@pytest.mark.fault("F37")
@pytest.mark.promise("P1", "P4")
async def test_a_start_with_thousands_of_runs_queued_does_them_all_and_asks_the_provider_no_faster_than_it_may(
    arena: Arena,
) -> None:
    org = arena.org(0)
    async with arena.answering_only():
        waiting = await queued(arena, ((arena.org(n % len(ORGS)), f"queued {n}") for n in range(QUEUED)))
        days = [arena.next_day() for _ in range(EXTRACTS)]
        reads = [await arena.accepted(org, EXTRACT, day, date=day) for day in days]
        asked, began = await _asked(arena), time.monotonic()
        async with arena.replica(ROLE="worker"):
            meanwhile, slowest = await _accepted_meanwhile(arena)
            await until(lambda: _done(arena), 240, pause=0.5)
            allowed = BURST + PER_MINUTE / 60 * (time.monotonic() - began)
            assert await _asked(arena) - asked <= allowed
            acked = [*waiting, *reads, *meanwhile]
            seen = f"slowest of {len(meanwhile)} accepts: {slowest * 1000:.0f} ms"
            what = f"a start with {len(waiting)} runs queued ({seen})"
            toll = await arena.charge(what, 1, began, acked)
    assert toll.harmless, toll


async def _accepted_meanwhile(arena: Arena) -> tuple[list[str], float]:
    """Ask for some runs, one after the other; return them and how many seconds the slowest answer took."""
    run_ids, slowest = [], 0.0
    for number in range(50):
        began, note = time.monotonic(), f"herd {number}"
        run_ids.append(await arena.accepted(arena.org(number % len(ORGS)), NOTHING, note, note=note))
        slowest = max(slowest, time.monotonic() - began)
    return run_ids, slowest


async def _done(arena: Arena) -> bool:
    return bool(await arena.running.journal.fetchval("SELECT count(*) = 0 FROM queue"))


async def _asked(arena: Arena) -> int:
    """Return how many requests the provider has had."""
    async with arena.running.rest.session.get(f"{arena.running.simulator.origin}/_requests") as answer:
        return int((await answer.json())["total"])
