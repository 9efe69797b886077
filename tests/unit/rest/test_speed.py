from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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


@asynccontextmanager
async def longest_lag() -> AsyncIterator[list[float]]:
    """Measure how late the loop is at its latest, in seconds."""
    lags = [0.0]

    async def watch() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.005)
            lags.append(time.perf_counter() - began - 0.005)

    async with asyncio.TaskGroup() as tasks:
        watcher = tasks.create_task(watch())
        yield lags
        watcher.cancel()


async def test_a_forty_megabyte_page_neither_blocks_the_loop_nor_dawdles(desk: Desk) -> None:
    rows = 100_000
    desk.limit(request_seconds=60.0)
    desk.provider.script(
        "/rows", hostile.answer(json.dumps({"data": [ROW | {"id": at} for at in range(rows)]}).encode())
    )
    async with longest_lag() as lags:
        began, worked = time.perf_counter(), time.process_time()
        (page,) = await desk.pages()
        seconds, busy = time.perf_counter() - began, time.process_time() - worked
    print(f"{rows / seconds:,.0f} rows/s, {rows / busy:,.0f} a CPU second, longest lag {max(lags) * 1000:.0f} ms")
    assert len(page.rows) == rows
    # Other processes may take the cores meanwhile, so work is counted in CPU time and lag against the whole.
    assert rows / busy > 50_000
    assert max(lags) < seconds / 3
