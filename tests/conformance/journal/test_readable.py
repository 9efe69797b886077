"""What the journal takes is what the service can read: its checks know the words that the model knows."""

from __future__ import annotations

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
