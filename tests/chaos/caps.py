"""How many runs organisations may run at once, for a while."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from tests.chaos.arena import Arena
from tests.plugins.sandbox import CENTRAL

CAPS = f"SELECT org_slug, concurrent_limit FROM {CENTRAL}.org_subscriptions WHERE org_slug LIKE 'org_%'"
SET_CAP = f"UPDATE {CENTRAL}.org_subscriptions SET concurrent_limit = CAST(@cap AS INT64) WHERE org_slug = @org"


@asynccontextmanager
async def capped(arena: Arena, caps: Mapping[str, int]) -> AsyncIterator[None]:
    """Let organisations run so many at once."""
    before = {row["org_slug"]: row["concurrent_limit"] for row in await arena.running.query(CAPS)}
    await _cap(arena, caps)
    try:
        yield
    finally:
        await _cap(arena, {org: before[org] for org in caps})


async def _cap(arena: Arena, caps: Mapping[str, int]) -> None:
    for org, cap in caps.items():
        await arena.running.query(SET_CAP, org=org, cap=str(cap))
    await arena.running.directory_seen()
