"""A test that never ends fails and shows where it stood, instead of holding up the suite.

A coroutine is cancelled after most of `faulthandler_timeout` (pyproject.toml), which ends the worker of whatever else
hangs.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import pytest

SHARE = 0.8


def bounded(test: Callable[..., Awaitable[None]], seconds: float) -> Callable[..., Awaitable[None]]:
    """Return the test that is cancelled after that many seconds, where it waits."""

    @wraps(test)
    async def within(*args: Any, **kwargs: Any) -> None:
        async with asyncio.timeout(seconds):
            await test(*args, **kwargs)

    return within


def pytest_itemcollected(item: pytest.Item) -> None:
    """Bound every coroutine."""
    if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
        item.obj = bounded(item.obj, SHARE * float(item.config.getini("faulthandler_timeout")))
