"""What the journal takes is what the service can read: its checks know the words that the model knows."""

from __future__ import annotations

import json
import re
from enum import StrEnum

import asyncpg
import pytest

from tests.conformance.journal.conftest import Desk
from workers.model.run import EventType, StepStatus, TriggerType

pytestmark = pytest.mark.engine

Connection = asyncpg.Connection
# Watchers are told of heartbeats; the journal is not.
KEPT = set(EventType) - {EventType.HEARTBEAT}


@pytest.mark.parametrize(
    ("name", "words"),
    [("run_trigger_type", set(TriggerType)), ("step_status", set(StepStatus)), ("event_type", KEPT)],
    ids=["triggers", "steps", "events"],
)
async def test_a_check_lists_the_words_of_the_model(journal_url: str, name: str, words: set[StrEnum]) -> None:
    database = await asyncpg.connect(journal_url)
    said = await database.fetchval("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1", name)
    await database.close()
    assert set(re.findall("'([^']*)'", said)) == words


@pytest.mark.fault("F74")
@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE step SET status = 'ODD'",
        "UPDATE run SET trigger_type = 'odd'",
        "UPDATE run SET parameters = '[1]'",
        "UPDATE run SET error = '{}'",
        "UPDATE step SET error = '[]'",
        "UPDATE event SET type = 'ODD'",
    ],
)
async def test_what_nobody_could_read_is_refused(desk: Desk, database: Connection, edit: str) -> None:
    await desk.add()
    with pytest.raises(asyncpg.CheckViolationError):
        await database.execute(edit)


async def test_a_run_that_cannot_be_read_keeps_none_of_its_claim_back(desk: Desk, database: Connection) -> None:
    good, bad, other = await desk.add(count=3)
    odd = {"code": "UNAVAILABLE", "reason": "OF_A_NEWER_RELEASE", "message": "m", "step": "s"}
    change = "UPDATE run SET error = $2 WHERE run_id = $1"
    await database.execute(change, bad, json.dumps(odd))
    assert {lease.run.run_id for lease in await desk.journal.claim("w1", 3)} == {good, other}
    await database.execute("UPDATE queue SET lease_until = now() - interval '1 second' WHERE run_id = $1", bad)
    assert await desk.journal.reap() == 1
    await database.execute(change, bad, None)
    await database.execute("UPDATE queue SET due_at = now() WHERE run_id = $1", bad)
    await desk.journal.reap()
    (lease,) = await desk.journal.claim("w2", 3)
    assert lease.run.run_id == bad
