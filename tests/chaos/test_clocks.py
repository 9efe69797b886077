"""A replica whose clock jumps by an hour while it holds leases: they end by the database's clock, not by its own."""

from __future__ import annotations

import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.chaos.arena import ORGS, Arena
from tests.chaos.lab import ACT
from tests.fakes.org_client import EXTRACT, NOTHING
from tests.fakes.until import until

FOUND = find_spec("libfaketime")
LIBRARY = Path(FOUND.origin if FOUND and FOUND.origin else "").parent / "vendor/libfaketime/src/libfaketime.so.1"


@pytest.mark.fault("F13")
@pytest.mark.promise("P2", "P3", "P4")
@pytest.mark.parametrize("jump", ["+3600", "-3600"])
async def test_a_replica_whose_clock_jumps_keeps_its_leases_and_takes_nobody_elses(
    arena: Arena, tmp_path: Path, jump: str
) -> None:
    clock, gate = tmp_path / "clock", arena.gate()
    clock.write_text("+0")
    faked = {"LD_PRELOAD": str(LIBRARY), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1"}
    monotonic = {"FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    async with (
        arena.answering_only(),
        arena.replica(ROLE="worker", **faked, **monotonic) as odd,
        arena.replica(ROLE="worker"),
    ):
        waits = {"do": "wait", "gate": str(gate), "note": jump}
        acked = [await arena.accepted(arena.org(n), ACT, f"clock {jump} {n}", **waits) for n in range(len(ORGS))]
        fences = [await arena.taken(run_id) for run_id in acked]
        at = time.monotonic()
        clock.write_text(jump)
        await until(lambda: _renewed_twice(arena, at), 40)
        assert [await arena.fence(run_id) for run_id in acked] == fences
        gate.touch()
        day = arena.next_day()
        acked.append(await arena.accepted(arena.org(0), EXTRACT, day, date=day))
        notes = [f"after {jump} {number}" for number in range(len(ORGS))]
        acked += [await arena.accepted(arena.org(n), NOTHING, note, note=note) for n, note in enumerate(notes)]
        toll = await arena.charge(f"a clock that jumps by {jump} s", 1, at, acked)
        assert odd.pid
    assert toll.harmless, toll


async def _renewed_twice(arena: Arena, since: float) -> bool:
    """Whether every lease has been renewed beyond the time at which it would have ended."""
    lease = float(arena.service.environment["LEASE_SECONDS"])
    alive = "SELECT bool_and(lease_until > now()) FROM queue WHERE state = 'leased'"
    return time.monotonic() - since > 2 * lease and bool(await arena.running.journal.fetchval(alive))
