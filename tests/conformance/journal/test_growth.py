"""What has ended slows nothing that comes: a claim looks at as many pages beside a long history as without one."""

from __future__ import annotations

import json

import asyncpg
import pytest

from tests.conformance.journal.conftest import Desk
from tests.conformance.journal.pile import history

pytestmark = pytest.mark.engine

Connection = asyncpg.Connection
CLAIM = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM claim('w1', 1, 30, {}, 2, 5)"


async def pages(database: Connection, ticket: int) -> int:
    """Claim one run and return how many pages that looked at."""
    (answer,) = await database.fetch(CLAIM.format(ticket))
    plan = json.loads(answer[0])[0]["Plan"]
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


async def test_a_claim_looks_at_no_more_of_the_journal_for_thousands_of_runs_that_ended(
    desk: Desk, database: Connection
) -> None:
    await desk.add("acme", 4, cap=20)
    before = [await pages(database, ticket) for ticket in range(4)]
    await history(desk, database, "acme", 5000)
    await desk.add("acme", 4, cap=20)
    after = [await pages(database, ticket) for ticket in range(4, 8)]
    assert await database.fetchval("SELECT count(*) FROM run") == 5008
    assert await database.fetchval("SELECT count(*) FROM queue WHERE state = 'leased'") == 8
    assert min(after) <= min(before) * 1.5


async def test_a_claim_is_planned_once_for_a_connection_however_deep_the_lanes(
    desk: Desk, database: Connection
) -> None:
    await desk.add("acme", 3, cap=20)
    assert len(await desk.journal.claim("w1", 1)) == 1
    settings = "SELECT proconfig FROM pg_proc WHERE proname = 'claim' AND pronamespace = 'public'::regnamespace"
    assert await database.fetchval(settings) == ["plan_cache_mode=force_generic_plan"]
