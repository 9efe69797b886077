from __future__ import annotations

import asyncio
import random
from uuid import UUID

import asyncpg
import pytest

from tests.conformance.journal.conftest import OpenJournal, new_run
from workers.adapters.journal import PostgresJournal
from workers.model.lease import Lease, Logged, RunEnded, StaleFenceError
from workers.model.run import RunStatus, TransitionError

pytestmark = pytest.mark.engine

RUNS = 120
CAPS = {"a": 1, "b": 3, "c": 8}
OVER_CAP = "SELECT org FROM queue JOIN lane USING (org) WHERE state = 'leased' GROUP BY org, cap HAVING count(*) > cap"


async def work(journal: PostgresJournal, lease: Lease, chance: random.Random) -> None:
    """Do with a run what a worker may do, whatever became of its lease meanwhile."""
    ending = RunStatus.CANCELLED if lease.run.status is RunStatus.CANCELLING else RunStatus.COMPLETED
    try:
        await journal.record(lease, Logged("at work"))
        if chance.random() < 0.15:
            await journal.snooze(lease, 0.01, "a moment")
        else:
            await journal.record(lease, RunEnded(ending))
    except (StaleFenceError, TransitionError):
        return


async def worker(journal: PostgresJournal, name: str, seed: int, done: asyncio.Event) -> None:
    """Claim and work; now and then stop or crash and come back."""
    chance = random.Random(seed)
    while not done.is_set():
        leases = await journal.claim(name, chance.randint(1, 6))
        if chance.random() < 0.05:
            await (journal.release(name) if chance.random() < 0.5 else journal.recover(name))
        await asyncio.gather(*(work(journal, lease, chance) for lease in leases))
        await journal.reap()


@pytest.mark.promise("P2", "P4", "P13")
async def test_a_storm_of_calls_leaves_every_run_ended_and_every_counter_right(
    open_journal: OpenJournal, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with open_journal() as one, open_journal() as other, asyncio.timeout(60):
        done = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for seed in range(4):
                group.create_task(worker((one, other)[seed % 2], f"w{seed}", seed, done))
            ids = await asyncio.gather(*(accept((one, other)[n % 2], n) for n in range(RUNS)))
            await asyncio.gather(*(one.cancel(org, run_id) for org, run_id in ids[::9]))
            while (depth := await one.depth()).waiting + depth.delayed + depth.running:
                assert await database.fetch(OVER_CAP) == []
            done.set()
        assert await one.sweep() == ()
        await check(one, database)


async def accept(journal: PostgresJournal, number: int) -> tuple[str, UUID]:
    org = sorted(CAPS)[number % 3]
    return org, (await journal.add(new_run(org, cap=CAPS[org]))).run_id


async def check(journal: PostgresJournal, database: asyncpg.Connection[asyncpg.Record]) -> None:
    statuses = await database.fetch("SELECT status, count(*) FROM run GROUP BY status")
    assert sum(row["count"] for row in statuses) == RUNS
    assert {row["status"] for row in statuses} <= {"COMPLETED", "CANCELLED", "QUARANTINED"}
    gaps = "SELECT run_id FROM event GROUP BY run_id HAVING count(*) <> max(sequence)"
    assert await database.fetch(gaps) == []
    ends = "SELECT run_id FROM event WHERE type = 'TERMINAL' GROUP BY run_id HAVING count(*) <> 1"
    assert await database.fetch(ends) == []
    parcels = await journal.parcels("run", 1000)
    assert len({parcel.payload["run_id"] for parcel in parcels}) == len(parcels) == RUNS
