from __future__ import annotations

import asyncio
import json

from tests.fakes import hostile_provider as hostile
from tests.unit.rest.desk import Desk

ROW = {
    "object": "organization.usage.completions.result",
    "input_tokens": 1234567,
    "output_tokens": 89012,
    "input_cached_tokens": 0,
    "num_model_requests": 17,
    "project_id": "proj_0123abcd",
    "user_id": None,
    "api_key_id": "key_0123abcd",
    "model": "gpt-4o-2024-08-06",
    "batch": False,
    "service_tier": "default",
    "amount": {"value": 0.123456, "currency": "usd"},
    "day": "2026-05-01",
}


async def test_the_loop_turns_while_a_page_of_forty_megabytes_is_read(desk: Desk) -> None:
    rows, turns = 100_000, 0
    desk.limit(request_seconds=60.0)
    body = json.dumps({"data": [ROW | {"id": at} for at in range(rows)]}).encode()
    desk.provider.script("/rows", hostile.answer(body))

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.005)
            turns += 1

    async with asyncio.TaskGroup() as tasks:
        turning = tasks.create_task(turn())
        (page,) = await desk.pages()
        turning.cancel()
    assert len(page.rows) == rows
    # Read on the loop, the page would hold it from the last byte to the last row: a turn or two in all.
    assert turns > 5
