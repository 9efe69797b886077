"""A replica whose clock jumps by an hour while it holds leases: they end by the database's clock, not by its own."""

from __future__ import annotations

import json
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

DUE = "UPDATE schedule SET next_due = date_trunc('minute', now()), look_at = now() WHERE schedule_id::text = $1"
FIRED = "SELECT run_id FROM occurrence WHERE schedule_id::text = $1 AND state = 'FIRED' AND due_at <= now()"


@pytest.mark.fault("F13")
@pytest.mark.promise("P2", "P3", "P4")
@pytest.mark.parametrize("jump", ["+3600", "-3600"])
async def test_a_replica_whose_clock_jumps_keeps_its_leases_and_takes_nobody_elses(
    arena: Arena, tmp_path: Path, jump: str
) -> None:
    clock, gate = tmp_path / "clock", arena.gate()
    async with (
        arena.answering_only(),
        arena.replica(ROLE="worker", **faked(clock)) as odd,
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


@pytest.mark.fault("F13")
@pytest.mark.promise("P2")
@pytest.mark.parametrize("jump", ["+3600", "-3600"])
async def test_a_scheduler_whose_clock_jumps_fires_what_is_due_by_the_journals_clock_and_that_once(
    arena: Arena, tmp_path: Path, jump: str
) -> None:
    """By its own clock a schedule of every minute would be due sixty times, or not at all."""
    clock, org, journal = tmp_path / "clock", arena.org(3), arena.running.journal
    body = {"provider": "example", "domain": "smoke", "pipeline": "nothing", "schedule_cron": "* * * * *"}
    async with (
        arena.answering_only(),
        arena.replica(ROLE="scheduler", **faked(clock)) as odd,
        arena.replica(ROLE="worker"),
    ):
        clock.write_text(jump)
        at = time.monotonic()
        path = f"/api/v1/scheduler/org/{org.slug}/pipelines"
        reply = await org.ask("POST", path, json.dumps(body))
        assert reply.status == 200, reply.json
        kept = reply.json["config_id"]
        await journal.execute(DUE, kept)
        await until(lambda: _settled(arena, kept), 130, pause=0.5)
        fired = [str(row["run_id"]) for row in await journal.fetch(FIRED, kept)]
        assert len(fired) == len(set(fired)) == 2
        await org.ask("DELETE", f"{path}/{kept}")
        assert {await arena.ended(run_id) for run_id in fired} == {"COMPLETED"}
        beside = await arena.accepted(org, NOTHING, f"scheduled {jump}", note=jump)
        toll = await arena.charge(f"a scheduler's clock that jumps by {jump} s", 1, at, [beside])
        assert odd.pid
    assert toll.harmless, toll


def faked(clock: Path) -> dict[str, str]:
    """Return the environment of a replica whose wall clock is off by what the file says, at first by nothing."""
    clock.write_text("+0")
    return {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


async def _settled(arena: Arena, schedule: str) -> bool:
    """Whether the occurrence that was made due and the next one, of the coming minute, have been fired."""
    return len(await arena.running.journal.fetch(FIRED, schedule)) >= 2


async def _renewed_twice(arena: Arena, since: float) -> bool:
    """Whether every lease has been renewed beyond the time at which it would have ended."""
    lease = float(arena.service.environment["LEASE_SECONDS"])
    alive = "SELECT bool_and(lease_until > now()) FROM queue WHERE state = 'leased'"
    return time.monotonic() - since > 2 * lease and bool(await arena.running.journal.fetchval(alive))
