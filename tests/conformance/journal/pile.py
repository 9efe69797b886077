"""Thousands of runs at once: copies of one that was accepted, put where the journal would have put them."""

from __future__ import annotations

import asyncpg

from tests.conformance.journal.conftest import Desk

# Every column of the copied row but its identity; a copy has its own place in the order of acceptance.
COPIES = """
WITH made AS MATERIALIZED (
    SELECT gen_random_uuid() AS run_id, nextval('run_seq') AS seq FROM generate_series(1, $2)
), runs AS (
    INSERT INTO run SELECT (jsonb_populate_record(r, to_jsonb(m))).* FROM run r, made m WHERE r.run_id = $1
), steps AS (
    INSERT INTO step SELECT (jsonb_populate_record(s, jsonb_build_object('run_id', m.run_id))).*
    FROM step s, made m WHERE s.run_id = $1
), events AS (
    INSERT INTO event SELECT (jsonb_populate_record(e, jsonb_build_object('run_id', m.run_id))).*
    FROM event e, made m WHERE e.run_id = $1
), queued AS (
    INSERT INTO queue SELECT (jsonb_populate_record(q, to_jsonb(m)
        || jsonb_build_object('parameters_hash', m.run_id))).* FROM queue q, made m WHERE q.run_id = $1
    RETURNING 1
)
SELECT count_waiting((SELECT count(*) FROM queued))
"""


async def pile(
    desk: Desk, database: asyncpg.Connection[asyncpg.Record], org: str, count: int, *, cap: int, weight: float = 1.0
) -> None:
    """Let so many runs wait in a lane."""
    (first,) = await desk.add(org, 1, cap=cap, weight=weight)
    await database.execute(COPIES, first, count - 1)


async def history(desk: Desk, database: asyncpg.Connection[asyncpg.Record], org: str, count: int) -> None:
    """Let so many runs have ended."""
    lease = await desk.lease(org)
    await desk.finish(lease)
    await database.execute(COPIES, lease.run.run_id, count - 1)
