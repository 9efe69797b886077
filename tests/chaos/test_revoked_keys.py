"""A key that is revoked while a stream is open that it opened."""

from __future__ import annotations

import time

import pytest

from tests.chaos.arena import Arena
from tests.fakes.org_client import EXTRACT, RUNS
from tests.fakes.until import until
from tests.plugins.sandbox import CENTRAL

OUT_AFTER = 30
ACTIVE = f"UPDATE {CENTRAL}.org_api_keys SET is_active = CAST(@active AS BOOL) WHERE org_slug = @org"
COME_BACK = {"kind": "status", "endpoint": "completions", "status": 429, "retry_after": 600}


@pytest.mark.fault("F61")
async def test_the_stream_of_a_revoked_key_ends_within_thirty_seconds(arena: Arena) -> None:
    org = arena.org(7)
    await arena.running.faults(COME_BACK)
    run_id = await org.accepted(EXTRACT, date=arena.next_day())
    events = org.follow(run_id)
    assert (await anext(events))["type"] == "QUEUED"
    await arena.running.query(ACTIVE, active="false", org=org.slug)
    since = time.monotonic()
    last = [event async for event in events][-1]
    assert time.monotonic() - since <= OUT_AFTER
    assert (last["type"], last["error"]["reason"]) == ("TERMINAL", "KEY_INVALID")
    await arena.running.query(ACTIVE, active="true", org=org.slug)

    async def back() -> bool:
        return (await org.ask("GET", RUNS)).status == 200

    await until(back, OUT_AFTER)
    assert (await org.cancel(run_id))["status"] == "CANCELLED"
