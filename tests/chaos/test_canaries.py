"""No secret stands in anything that the arena's processes have written or told; this runs after every scenario."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from tests.chaos.arena import Arena
from tests.fakes.canaries import Search, secrets_of
from tests.fakes.org_client import NOTHING
from tests.fakes.outputs import files, journal_tables, warehouse_tables

pytestmark = pytest.mark.promise("P11")


@pytest.mark.short
async def test_no_secret_stands_in_anything_that_was_written_or_told(arena: Arena) -> None:
    decoy, running = f"decoy{secrets.token_hex(8)}", arena.running
    run_id = await arena.accepted(arena.org(), NOTHING, decoy, note=decoy)
    await arena.run(arena.org(), run_id)
    said = dict(files(arena.folder))
    async with running.journal.acquire() as connection:
        said |= {what: text async for what, text in journal_tables(connection)}
    said |= await asyncio.to_thread(lambda: dict(warehouse_tables(running.warehouse)))
    said |= {"metrics": (await running.metrics()).encode(), "answers": bytes(running.answers.text)}
    search = Search(secrets_of(arena.folder, running.stack.secrets))
    assert [line for where, text in said.items() for line in search.found(where, text)] == []
    told = {where for where, text in said.items() if decoy.encode() in text}
    assert told >= {"journal run", "journal idempotency", "answers"}
    assert len(said[str(running.log)]) > 1000
