"""Stops, as a deploy sends them: with every slot taken, told twice, and with callers in the middle of a call."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.chaos.arena import ORGS, Arena
from tests.chaos.lab import ACT
from tests.chaos.seed import chance
from tests.fakes.org_client import NOTHING
from tests.fakes.until import until
from tests.plugins.sandbox import CENTRAL

EACH = 13  # runs of each of the eight organisations: more than a replica's hundred slots
HELD = "SELECT count(*) FROM queue WHERE state = 'leased'"
CALLS = 40


@pytest.fixture
async def roomy(arena: Arena) -> AsyncIterator[Arena]:
    """Let each organisation run so many at once that together they fill a replica."""
    limit = f"UPDATE {CENTRAL}.org_subscriptions SET concurrent_limit = {{}} WHERE org_slug LIKE 'org_%'"
    (before,) = await arena.running.query(f"SELECT max(concurrent_limit) AS n FROM {CENTRAL}.org_subscriptions")
    await arena.running.query(limit.format(EACH))
    await arena.running.directory_seen()
    yield arena
    await arena.running.query(limit.format(before["n"]))
    await arena.running.directory_seen()


@pytest.mark.fault("F31")
@pytest.mark.promise("P1", "P4", "P9", "P13")
async def test_a_replica_with_every_slot_taken_stops_in_its_grace_and_the_other_goes_on_with_all_of_them(
    roomy: Arena,
) -> None:
    arena, gate = roomy, roomy.gate()
    async with arena.answering_only(), arena.replica(ROLE="worker") as first:
        acked = [run_id for org in range(len(ORGS)) for run_id in await _taken(arena, org, str(gate))]
        await until(lambda: _held(arena, 100), 60)
        async with arena.replica(ROLE="worker"):
            at, pid = time.monotonic(), first.pid
            os.kill(pid, signal.SIGTERM)
            await until(lambda: _gone(pid), 10)
            left = time.monotonic() - at
            await until(lambda: _held(arena, 100), 30)
            gate.touch()
            toll = await arena.charge("SIGTERM of a replica with 100 runs under way", 100, at, acked)
    assert toll.harmless, toll
    assert left < float(first.environment["SHUTDOWN_GRACE_SECONDS"]) + 3
    attempts = await arena.running.journal.fetch("SELECT DISTINCT attempt FROM run WHERE run_id = ANY ($1)", acked)
    assert [row["attempt"] for row in attempts] == [1]


@pytest.mark.short
@pytest.mark.fault("F32")
@pytest.mark.promise("P9", "P13")
async def test_a_second_signal_cuts_the_drain_short_and_still_gives_every_lease_back(arena: Arena) -> None:
    gate = arena.gate()
    async with arena.answering_only(), arena.replica(ROLE="worker", SHUTDOWN_GRACE_SECONDS="60") as first:
        acked = await _taken(arena, 0, str(gate), count=3)
        await until(lambda: _held(arena, 3), 20)
        at, pid = time.monotonic(), first.pid
        os.kill(pid, signal.SIGTERM)
        await until(lambda: _says(first.log, '"event": "stopping"'), 10)
        os.kill(pid, signal.SIGINT)
        await until(lambda: _gone(pid), 10)
        assert await arena.running.journal.fetchval(HELD) == 0
        gate.touch()
        async with arena.replica(ROLE="worker"):
            toll = await arena.charge("a second signal during the drain", 1, at, acked)
    assert toll.harmless, toll


@pytest.mark.short
@pytest.mark.fault("F33")
@pytest.mark.promise("P8")
async def test_callers_that_hang_up_in_the_middle_get_their_one_run_by_its_key(arena: Arena) -> None:
    org, dice, at = arena.org(1), chance("hanging up"), time.monotonic()
    keys = [f"hung up {number}" for number in range(CALLS)]
    hung_up = 0
    for key in keys:
        try:
            async with asyncio.timeout(dice.random() * 0.02):
                await org.start(NOTHING, key=key, note=key)
        except (TimeoutError, aiohttp.ClientError):
            hung_up += 1
    acked = [await arena.accepted(org, NOTHING, key, note=key) for key in keys]
    toll = await arena.charge("callers that hang up during an accept", hung_up, at, acked)
    assert toll.harmless, toll
    stored = "SELECT count(*) FROM run WHERE parameters->>'note' LIKE 'hung up %'"
    assert (len(set(acked)), await arena.running.journal.fetchval(stored)) == (CALLS, CALLS)
    assert hung_up


async def _taken(arena: Arena, org: int, gate: str, count: int = EACH) -> list[str]:
    """Ask for runs that wait for a gate."""
    notes = [f"{gate} {number}" for number in range(count)]
    return [await arena.accepted(arena.org(org), ACT, note, do="wait", gate=gate, note=note) for note in notes]


async def _held(arena: Arena, count: int) -> bool:
    return bool(await arena.running.journal.fetchval(HELD) == count)


async def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def _says(log: Path, what: str) -> bool:
    return what in await asyncio.to_thread(log.read_text)
