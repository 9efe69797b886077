"""The last thing a replica does."""

from __future__ import annotations

import subprocess
import sys

import pytest

STATUS = 3
LEFT = """
import asyncio, threading
from server.lifecycle import leave

async def deaf():
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass

async def polite():
    await asyncio.Event().wait()

async def threaded():
    await asyncio.to_thread(threading.Event().wait)

async def main():
    kept = asyncio.create_task({task}())
    await asyncio.sleep(0.05)
    await leave(lambda: print("flushed", flush=True), {status}, 0.05)

asyncio.run(main())
"""


@pytest.mark.parametrize("task", ["polite", "deaf", "threaded"])
def test_neither_a_task_nor_a_thread_keeps_the_process_alive(task: str) -> None:
    script = LEFT.format(task=task, status=STATUS)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (STATUS, "flushed\n", "")
