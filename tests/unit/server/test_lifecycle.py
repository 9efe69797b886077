"""The last thing a replica does."""

from __future__ import annotations

import subprocess
import sys

import pytest

DEAF = """
import asyncio
from server.lifecycle import leave

async def deaf():
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass

async def polite():
    await asyncio.Event().wait()

async def main():
    kept = asyncio.create_task({task}())
    await asyncio.sleep(0)
    await leave(lambda: print("flushed", flush=True), 0.05)
    print("returned", flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize(("task", "said"), [("deaf", "flushed"), ("polite", "returned")])
def test_a_task_that_ignores_its_cancellation_does_not_keep_the_process_alive(task: str, said: str) -> None:
    script = DEAF.replace("{task}", task)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, said in done.stdout, done.stderr) == (0, True, "")
