"""How soon everybody runs again after a process died, in the database's time, with short turns."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest

from tests.conformance.journal.conftest import Desk, OpenJournal
from workers.adapters.journal import PostgresJournal
from workers.adapters.journal.room import Suspicion
from workers.model.lease import Lease

pytestmark = pytest.mark.engine

Connection = asyncpg.Connection
SHUT, PATIENCE = 0.1, 0.25
# When each run was leased, in seconds after the crash.
STARTS = """
    SELECT org, extract(epoch FROM leased_at - $1)::float8 AS after FROM queue WHERE state = 'leased' ORDER BY leased_at
"""


@pytest.fixture
async def journal(open_journal: OpenJournal) -> AsyncIterator[PostgresJournal]:
    async with open_journal(suspicion=Suspicion(SHUT, PATIENCE)) as opened:
        yield opened


async def claim_until(journal: PostgresJournal, wanted: int) -> list[Lease]:
    leases: list[Lease] = []
    async with asyncio.timeout(10):
        while len(leases) < wanted:
            leases += await journal.claim("w1", 100 - len(leases))
    return leases


async def test_another_organisation_starts_after_one_turn_however_many_suspects_wait(
    journal: PostgresJournal, desk: Desk, database: Connection
) -> None:
    await desk.add("acme", 15, cap=15)
    assert len(await journal.claim("w1", 100)) == 15
    await journal.recover("w1")
    await desk.add("other", 1)
    crashed = await journal.ping()
    assert [lease.run.org_slug for lease in await claim_until(journal, 2)] == ["acme", "other"]
    (_, alone), (_, other) = await database.fetch(STARTS, crashed)
    assert SHUT <= other - alone < 10 * SHUT


async def test_every_innocent_suspect_runs_again_after_one_turn_for_each(
    journal: PostgresJournal, desk: Desk, database: Connection
) -> None:
    await desk.add("acme", 15, cap=15)
    await journal.claim("w1", 100)
    await journal.recover("w1")
    crashed = await journal.ping()
    await claim_until(journal, 15)
    starts = [row["after"] for row in await database.fetch(STARTS, crashed)]
    assert all(later - sooner >= SHUT for sooner, later in itertools.pairwise(starts))
    assert starts[-1] < PATIENCE + 15 * SHUT * 1.5


async def test_a_run_that_kills_all_its_company_is_found_out_and_nobody_else_is_blamed(
    open_journal: OpenJournal, database: Connection
) -> None:
    """Newcomers join after every crash, and whoever is innocent never ends."""
    async with open_journal(suspicion=Suspicion(0.01, 0.02)) as journal, asyncio.timeout(20):
        desk, crashes = Desk(journal), 0
        innocent, (poison,) = await desk.add(count=2, cap=99), await desk.add(cap=99)
        while await alive(journal, poison):
            if poison in {lease.run.run_id for lease in await journal.claim("w1", 100)}:
                await journal.recover("w1")
                crashes += 1
                innocent += await desk.add(cap=99)
        assert crashes < 30
        assert [await alive(journal, run_id) for run_id in innocent] == [True] * len(innocent)
        assert await database.fetchval("SELECT max(crash_count) FROM queue") == 0


async def alive(journal: PostgresJournal, run_id: UUID) -> bool:
    run = await journal.find_run("acme", run_id)
    return run is not None and not run.status.terminal
