"""Long sequences walked in pieces, between which the event loop does its other work: leases are renewed on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

AT_ONCE = 500

Item = TypeVar("Item")


async def unhurried(items: Sequence[Item]) -> AsyncIterator[tuple[int, Item]]:
    """Yield each item with its index, from 0."""
    for index, item in enumerate(items):
        if index and not index % AT_ONCE:
            await asyncio.sleep(0)
        yield index, item
