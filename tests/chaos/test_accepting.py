"""Deaths and hang-ups around the one commit that makes a run."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import asyncpg
import pytest

from tests.chaos.seed import chance
from tests.chaos.toll import Toll
from tests.conformance.journal.conftest import Tasks, new_run
from workers.adapters.journal import PostgresJournal
from workers.model.lease import Added, Logged, RunEnded
from workers.model.run import RunStatus

ROOT = Path(__file__).parents[2]
LOOPS = 20 if os.environ.get("SHORT") else 200
TICKS = 60
SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'journal %' AND state <> 'idle'"


@pytest.mark.short
@pytest.mark.promise("P1", "P8")
@pytest.mark.parametrize(
    ("point", "stored"),
    [
        pytest.param("accept.after_commit", True, marks=pytest.mark.fault("F1")),
        pytest.param("accept.before_commit", False, marks=pytest.mark.fault("F2")),
    ],
)
async def test_every_caller_whose_process_died_at_the_commit_gets_the_one_run_by_its_key(
    own_journal_url: str, tolls: list[Toll], point: str, *, stored: bool
) -> None:
    at = time.monotonic()
    keys = await _killed(own_journal_url, point)
    async with _open(own_journal_url) as journal:
        lost = [f"{key} was {known}" for key in keys if (known := await _again(journal, key)).existing != stored]
        runs = await journal.list_runs("acme", limit=10_000)
        doubled = [f"{len(runs)} runs for {len(keys)} keys"] if len(runs) != len(keys) else []
        drift = await journal.sweep()
    recovered = time.monotonic() - at
    tolls.append(
        Toll(
            f"kill -9 at {point}, in a process of its own",
            len(keys),
            recovered,
            len(lost),
            len(doubled),
            len(drift),
            ("F1" if stored else "F2",),
            (*lost, *doubled, *drift),
        )
    )
    assert tolls[-1].harmless, tolls[-1]
    assert len(keys) == LOOPS


@pytest.mark.fault("F34")
@pytest.mark.promise("P13")
async def test_an_operation_that_is_cancelled_at_any_of_its_waits_leaves_nothing_taken(
    own_journal_url: str, tolls: list[Toll]
) -> None:
    at, swept = time.monotonic(), 0
    async with _open(own_journal_url) as journal, asyncpg.create_pool(own_journal_url, min_size=0, max_size=1) as pool:
        for operation in (_add, _claim, _record, _finish, _snooze, _budget, _cancel):
            for ticks in range(TICKS):
                swept += await _cancelled_after(operation, journal, ticks)
        await journal.recover("swept")
        leaked = [*await journal.sweep()]
        while leases := await journal.claim("after", 50):
            await asyncio.gather(*(journal.record(lease, RunEnded(RunStatus.COMPLETED)) for lease in leases))
        leaked += [f"{busy} sessions are busy" for busy in [await pool.fetchval(SESSIONS)] if busy]
        depth = await journal.depth()
        leaked += [str(lane) for lane in depth.lanes if lane.running]
    tolls.append(
        Toll(
            "a cancellation at each wait of each operation",
            swept,
            time.monotonic() - at,
            0,
            0,
            len(leaked),
            ("F34",),
            tuple(leaked),
        )
    )
    assert tolls[-1].harmless, tolls[-1]
    assert swept


def _open(url: str) -> AbstractAsyncContextManager[PostgresJournal]:
    return PostgresJournal.open(url, spawn=Tasks(), roll=chance("rolls").random, connections=2)


async def _killed(url: str, point: str) -> list[str]:
    """Let processes die at a point; return the keys that they used."""
    told = ("-m", "tests.fakes.dying_callers", url, point, str(LOOPS))
    ran = await asyncio.create_subprocess_exec(sys.executable, *told, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL)
    assert await ran.wait() == 0
    return [f"{point} {number}" for number in range(LOOPS)]


async def _again(journal: PostgresJournal, key: str) -> Added:
    return await journal.add(new_run(idempotency_key=key, body_hash=key, parameters_hash=key))


Operation = Callable[[PostgresJournal], Awaitable[object]]


async def _add(journal: PostgresJournal) -> None:
    await journal.add(new_run(cap=1000))


async def _claim(journal: PostgresJournal) -> None:
    await journal.claim("swept", 5)


async def _record(journal: PostgresJournal) -> None:
    for lease in await journal.claim("swept", 1):
        await journal.record(lease, Logged("half way"))


async def _finish(journal: PostgresJournal) -> None:
    for lease in await journal.claim("swept", 1):
        await journal.record(lease, RunEnded(RunStatus.COMPLETED))


async def _snooze(journal: PostgresJournal) -> None:
    for lease in await journal.claim("swept", 1):
        await journal.snooze(lease, 0.001, "a moment")


async def _budget(journal: PostgresJournal) -> None:
    await journal.take("key", per_minute=60, burst=5)


async def _cancel(journal: PostgresJournal) -> None:
    for run in await journal.list_runs("acme", limit=1):
        await journal.cancel("acme", run.run_id)


async def _cancelled_after(operation: Operation, journal: PostgresJournal, ticks: int) -> bool:
    """Cancel an operation after so many turns of the loop; return whether it was still under way."""
    await journal.add(new_run(cap=1000))
    task = asyncio.ensure_future(operation(journal))
    for _ in range(ticks):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait({task})
    return any(one.cancelled() for one in done)
