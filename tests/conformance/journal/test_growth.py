"""What is in the journal slows nothing that comes: a claim looks at as many pages beside much of it as beside little.

It is asked as the service asks, with the settings of its sessions, and as it is hardest: the plan is made and the
statistics are taken while the tables are empty.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.conformance.journal.conftest import Desk
from tests.conformance.journal.pile import history, pile
from workers.adapters.journal.database import Address

pytestmark = pytest.mark.engine

Connection = asyncpg.Connection
CLAIM = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM claim('w1', 1, 30, {}, 2, 5)"


@pytest.fixture
async def session(journal_url: str) -> AsyncIterator[Connection]:
    connection = await Address(journal_url, "growth").connect()
    await connection.execute("VACUUM ANALYZE")
    yield connection
    await connection.close()


async def pages(session: Connection, ticket: int) -> int:
    """Claim one run and return how many pages that looked at."""
    (answer,) = await session.fetch(CLAIM.format(ticket))
    plan = json.loads(answer[0])[0]["Plan"]
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


async def test_a_claim_looks_at_no_more_of_the_journal_for_thousands_of_runs_that_ended(
    desk: Desk, session: Connection
) -> None:
    await desk.add("acme", 4, cap=20)
    before = [await pages(session, ticket) for ticket in range(4)]
    await history(desk, session, "acme", 5000)
    await desk.add("acme", 4, cap=20)
    after = [await pages(session, ticket) for ticket in range(4, 8)]
    assert await session.fetchval("SELECT count(*) FROM run") == 5008
    assert await session.fetchval("SELECT count(*) FROM queue WHERE state = 'leased'") == 8
    assert min(after) <= min(before) * 1.5


async def test_a_claim_looks_at_no_more_of_the_journal_for_thousands_of_runs_that_wait(
    desk: Desk, session: Connection
) -> None:
    await desk.add("acme", 4, cap=20)
    before = [await pages(session, ticket) for ticket in range(4)]
    await pile(desk, session, "acme", 5000, cap=20)
    after = [await pages(session, ticket) for ticket in range(4, 8)]
    assert await session.fetchval("SELECT count(*) FROM queue") == 5004
    assert await session.fetchval("SELECT count(*) FROM queue WHERE state = 'leased'") == 8
    assert min(after) <= min(before) * 1.5


async def test_a_claim_is_planned_once_for_a_connection_however_deep_the_lanes(desk: Desk, session: Connection) -> None:
    await desk.add("acme", 3, cap=20)
    assert len(await desk.journal.claim("w1", 1)) == 1
    settings = "SELECT proconfig FROM pg_proc WHERE proname = 'claim' AND pronamespace = 'public'::regnamespace"
    assert await session.fetchval(settings) == ["plan_cache_mode=force_generic_plan"]
