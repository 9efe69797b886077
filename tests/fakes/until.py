"""Waits for a condition instead of a time: asks again and again until the answer is true, or says what it last was."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(ask: Callable[[], Awaitable[T]], seconds: float = 10.0, pause: float = 0.05) -> T:
    """Return the first true answer; AssertionError with the last one when none comes in time."""
    answer = await ask()
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not answer:
        assert loop.time() < end, f"still {answer!r} after {seconds} s"
        await asyncio.sleep(pause)
        answer = await ask()
    return answer
