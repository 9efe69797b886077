"""How far a step has read moves with its outcome, and only from where its run found it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conformance.journal.conftest import Desk
from workers.adapters.journal import PostgresJournal
from workers.model.bookmark import Bookmark
from workers.model.lease import Lease, PageRead, RunEnded, StaleFenceError, StepEnded
from workers.model.page import Receipt
from workers.model.run import RunStatus, StepRun, StepStatus

pytestmark = pytest.mark.engine

STEP = "extract_usage"
PIPELINE = "acme-openai-cost-usage_cost"


def ended(until: str, version: int = 0) -> StepEnded:
    done = StepRun(STEP, "openai.usage", StepStatus.COMPLETED, bookmark=Bookmark({"until": until}, version))
    return StepEnded(done)


async def test_a_bookmark_moves_with_the_outcome_and_belongs_to_one_step(journal: PostgresJournal, desk: Desk) -> None:
    assert await journal.bookmark("acme", PIPELINE, STEP) == Bookmark()
    await journal.record(await desk.lease(), ended("2025-06-01"), RunEnded(RunStatus.COMPLETED))
    await journal.record(await desk.lease(), ended("2025-06-02", 1))
    assert await journal.bookmark("acme", PIPELINE, STEP) == Bookmark({"until": "2025-06-02"}, 2)
    for other in (("globex", PIPELINE, STEP), ("acme", "acme-other", STEP), ("acme", PIPELINE, "other")):
        assert await journal.bookmark(*other) == Bookmark()


async def test_of_runs_that_began_alike_one_moves_it(journal: PostgresJournal, desk: Desk) -> None:
    leases = [await desk.lease(cap=9) for _ in range(5)]

    async def end(lease: Lease, day: int) -> None:
        await journal.record(lease, ended(f"day {day}"))

    await asyncio.gather(*(end(lease, day) for day, lease in enumerate(leases)))
    moved = await journal.bookmark("acme", PIPELINE, STEP)
    assert moved.version == 1
    await journal.record(await desk.lease(cap=9), ended("too old", 0))
    assert await journal.bookmark("acme", PIPELINE, STEP) == moved


async def test_a_lost_lease_moves_nothing(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease()
    await journal.release("w1")
    with pytest.raises(StaleFenceError):
        await journal.record(lease, ended("2025-06-01"))
    assert await journal.bookmark("acme", PIPELINE, STEP) == Bookmark()


async def test_pages_of_several_reads_of_one_attempt_each_keep_their_receipt(
    journal: PostgresJournal, desk: Desk, database: Any
) -> None:
    lease = await desk.lease()
    for ordinal, url in enumerate(("a", "b"), 1):
        await journal.record(lease, PageRead(STEP, 1, Receipt(url, 1, 5, 100, "ab"), ordinal))
    rows = await database.fetch("SELECT number, body->>'url' AS url FROM receipt WHERE run_id = $1", lease.run.run_id)
    assert {(row["number"], row["url"]) for row in rows} == {(1, "a"), (2, "b")}
