"""Commits that are lost on their way there or back, under load, and the names of all places where one may be."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import pytest
from attrs import define, field

from tests.chaos.canaries import Canaries
from tests.chaos.invariants import Invariants
from tests.chaos.lossy import Lossy
from tests.chaos.seed import chance
from tests.chaos.toll import Toll
from tests.chaos.witness import Witness
from tests.conformance.journal.conftest import Tasks, new_run
from tests.fakes.until import until
from workers.adapters.journal import PostgresJournal
from workers.adapters.journal.room import Suspicion
from workers.model.failure import FailedError
from workers.model.lease import Checkpointed, Lease, Logged, RunEnded, StaleFenceError
from workers.model.run import RunStatus, TransitionError

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
CAPS = {"a": 1, "b": 3, "c": 8}
RUNS, CALLERS, WORKERS = 72, 6, 4
# What is written between the acceptance of a run and its last row in the warehouse.
WAY = (
    *("accept", "claim", "heartbeat", "record", "snooze", "release", "recover", "reap", "sweep", "cancel", "take"),
    *("declare", "audit", "parcels", "published"),
)


async def insist(call: Callable[[], Awaitable[T]]) -> T:
    """Call until the journal answers, as all of the runtime does."""
    while True:
        with contextlib.suppress(FailedError):
            return await call()


@define
class Storm:
    """Callers, workers and upkeep on two journals that lose commits."""

    journals: tuple[PostgresJournal, PostgresJournal]
    done: asyncio.Event = field(factory=asyncio.Event)
    told: dict[tuple[str, str], set[str]] = field(factory=dict)
    published: dict[int, str] = field(factory=dict)

    async def caller(self, first: int) -> None:
        """Ask for runs, one after another."""
        for number in range(first, RUNS, CALLERS):
            await self.call(number)

    async def call(self, number: int) -> None:
        """Ask for one run under one key until it is accepted, and for the end of every ninth."""
        journal, org, key = self.journals[number % 2], sorted(CAPS)[number % 3], f"key {number}"

        async def ask() -> UUID:
            new = new_run(org, cap=CAPS[org], idempotency_key=key, body_hash=key, parameters_hash=key)
            return (await journal.add(new)).run_id

        run_id = await insist(ask)
        self.told.setdefault((org, key), set()).add(str(run_id))
        await insist(lambda: journal.take(org, per_minute=600, burst=50))
        await insist(lambda: journal.audit({"resource_id": str(run_id)}))
        if number % 9 == 0:
            await insist(lambda: journal.cancel(org, run_id))

    async def worker(self, number: int, dice: random.Random) -> None:
        """Claim and work until all is done; now and then stop, or crash and come back."""
        journal, name = self.journals[number % 2], f"w{number}"
        await insist(lambda: journal.declare("c0ffee", "steps: []"))
        while not self.done.is_set():
            with contextlib.suppress(FailedError):
                leases = await journal.claim(name, dice.randint(1, 6))
                await journal.heartbeat(name, {lease.run.run_id: lease.fence for lease in leases})
                if leases and dice.random() < 0.2:
                    await (journal.release(name) if dice.random() < 0.5 else journal.recover(name))
                await asyncio.gather(*(self.work(journal, lease, dice) for lease in leases))

    async def work(self, journal: PostgresJournal, lease: Lease, dice: random.Random) -> None:
        """Do with a run what a worker may do, whatever became of its lease meanwhile."""
        ending = RunStatus.CANCELLED if lease.run.status is RunStatus.CANCELLING else RunStatus.COMPLETED
        with contextlib.suppress(StaleFenceError, TransitionError):
            await insist(lambda: journal.record(lease, Logged("at work"), Checkpointed("extract_usage", {"page": 1})))
            if dice.random() < 0.15:
                await insist(lambda: journal.snooze(lease, 0.01, "a moment"))
            else:
                await insist(lambda: journal.record(lease, RunEnded(ending)))

    async def upkeep(self) -> None:
        """Reap, sweep and publish until all is done."""
        journal = self.journals[0]
        while not self.done.is_set():
            with contextlib.suppress(FailedError):
                await journal.reap()
                await journal.sweep()
                await self.publish(journal)

    async def rest(self, times: int) -> None:
        """Do what chance may have left out until each of it was lost, too."""
        journal = self.journals[0]
        for _ in range(times):
            await insist(lambda: journal.release("nobody"))
            await insist(lambda: journal.recover("nobody"))
            await insist(lambda: journal.declare("c0ffee", "steps: []"))

    async def publish(self, journal: PostgresJournal) -> int:
        """Take a batch of ended runs out of the outbox."""
        parcels = await journal.parcels("run", 10)
        self.published |= {parcel.parcel_id: str(parcel.payload["run_id"]) for parcel in parcels}
        await journal.published([parcel.parcel_id for parcel in parcels])
        return len(parcels)


@pytest.mark.fault("F16")
@pytest.mark.promise("P1", "P2", "P3", "P4", "P8", "P13")
async def test_no_commit_that_is_lost_there_or_back_loses_or_doubles_anything(
    own_journal_url: str, tmp_path: Path, tolls: list[Toll]
) -> None:
    lossy = Lossy(chance("lost commits"))
    options: dict[str, Any] = {"lease_seconds": 1.0, "suspicion": Suspicion(0.02, 0.1), "failpoint": lossy}
    roll = chance("rolls").random
    async with (
        asyncpg.create_pool(own_journal_url, min_size=0, max_size=3) as pool,
        PostgresJournal.open(own_journal_url, spawn=Tasks(), roll=roll, **options) as one,
        PostgresJournal.open(own_journal_url, spawn=Tasks(), roll=roll, **options) as other,
        asyncio.timeout(100),
    ):
        witness = Witness(pool)
        await witness.begin()
        storm = Storm((one, other))
        async with asyncio.TaskGroup() as group:
            group.create_task(storm.upkeep())
            for number in range(WORKERS):
                group.create_task(storm.worker(number, chance(f"worker {number}")))
            await asyncio.gather(*map(storm.caller, range(CALLERS)))
            at = time.monotonic()
            await until(lambda: pool.fetchval("SELECT count(*) = 0 FROM queue"), 60)
            storm.done.set()
        await storm.rest(2 * lossy.each)
        lossy.healed = True
        while await storm.publish(one):
            pass
        assert await one.sweep() == ()
        accepted = [run_id for runs in storm.told.values() for run_id in runs]
        completed = [
            row["id"] for row in await pool.fetch("SELECT run_id::text AS id FROM run WHERE status='COMPLETED'")
        ]
        counted = await Invariants(pool, tmp_path, witness, Canaries(tmp_path, ())).broken(completed, storm.told)
        statuses = await pool.fetch("SELECT status, count(*) FROM run GROUP BY status")
    tolls.append(counted.toll("commits lost there and back", lossy.lost.total(), time.monotonic() - at, ("F16",)))
    assert tolls[-1].harmless, tolls[-1]
    assert (len(set(accepted)), sum(row["count"] for row in statuses)) == (RUNS, RUNS)
    assert {row["status"] for row in statuses} <= {"COMPLETED", "CANCELLED", "QUARANTINED"}
    assert sorted(storm.published.values()) == sorted(accepted)
    assert {f"{name}.{side}_commit" for name in WAY for side in ("before", "after")} <= set(lossy.lost)


def test_every_failpoint_that_is_named_in_the_code_is_armed_by_a_scenario() -> None:
    texts = [path.read_text() for path in (ROOT / "tests").rglob("*.py") if path.name != "test_failpoints.py"]
    assert [name for name in sorted(named()) if not any(name in text for text in texts)] == []


def named() -> set[str]:
    """Return the names that stand in calls of a failpoint."""
    calls = [
        node
        for folder in ("server", "workers")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "").lstrip("_") == "failpoint"
    ]
    return {str(argument.value) for call in calls for argument in call.args if isinstance(argument, ast.Constant)}
