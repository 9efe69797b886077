"""The journal's fleet-wide locks, as far as one process sees them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import define, field


@define
class Locks:
    """Keeps `lead` of `ports.Upkeep`; `held` are the roles that somebody has."""

    held: set[str] = field(factory=set)

    @asynccontextmanager
    async def lead(self, role: str) -> AsyncIterator[bool]:
        if role in self.held:
            yield False
            return
        self.held.add(role)
        try:
            yield True
        finally:
            self.held.discard(role)
