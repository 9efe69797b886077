"""A journal on a database of its own, and short ways to put runs in and take them out."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from datetime import date
from typing import Any

import asyncpg
import attrs
import pytest
from attrs import frozen

from workers.adapters.journal import PostgresJournal
from workers.model.lease import LaneTerms, Lease, NewRun, RunEnded
from workers.model.run import RunStatus, StepRun


class Tasks:
    """Starts coroutines and keeps hold of them, as the supervisor does."""

    def __init__(self) -> None:
        self.running: set[asyncio.Task[None]] = set()

    def __call__(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self.running.add(task)
        task.add_done_callback(self.running.discard)
        return task


OpenJournal = Callable[..., AbstractAsyncContextManager[PostgresJournal]]


@pytest.fixture
def open_journal(journal_url: str) -> OpenJournal:
    chance = random.Random(7)

    def open_it(url: str = journal_url, **options: Any) -> AbstractAsyncContextManager[PostgresJournal]:
        return PostgresJournal.open(url, spawn=Tasks(), roll=chance.random, **options)

    return open_it


@pytest.fixture
async def journal(open_journal: OpenJournal) -> AsyncIterator[PostgresJournal]:
    async with open_journal() as opened:
        yield opened


@pytest.fixture
async def database(journal_url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(journal_url)
    yield connection
    await connection.close()


def new_run(org: str = "acme", *, cap: int = 5, weight: float = 1.0, **changes: Any) -> NewRun:
    """Return a run like no other, of one step."""
    run_id = uuid.uuid4()
    new = NewRun(
        run_id=run_id,
        org_slug=org,
        provider="openai",
        domain="cost",
        pipeline="usage_cost",
        pipeline_id=f"{org}-openai-cost-usage_cost",
        config_hash="c0ffee",
        run_date=date(2026, 1, 2),
        parameters={"date": "2026-01-01"},
        parameters_hash=run_id.hex,
        steps=(StepRun("extract_usage", "openai.usage"),),
        terms=LaneTerms(cap=cap, weight=weight),
    )
    return attrs.evolve(new, **changes)


@frozen
class Desk:
    """What most tests do with a journal."""

    journal: PostgresJournal

    async def add(self, org: str = "acme", count: int = 1, **changes: Any) -> list[uuid.UUID]:
        return [(await self.journal.add(new_run(org, **changes))).run_id for _ in range(count)]

    async def lease(self, org: str = "acme", worker: str = "w1", **changes: Any) -> Lease:
        await self.add(org, **changes)
        (lease,) = await self.journal.claim(worker, 1)
        return lease

    async def finish(self, *leases: Lease, status: RunStatus = RunStatus.COMPLETED) -> None:
        await asyncio.gather(*(self.journal.record(lease, RunEnded(status)) for lease in leases))


@pytest.fixture
def desk(journal: PostgresJournal) -> Desk:
    return Desk(journal)
