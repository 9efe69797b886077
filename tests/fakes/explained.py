"""Asking a workshop why a run is not further, and reaching below its journal."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.fakes.workshop import Workshop
from workers.model.explanation import Explanation


async def explained(shop: Workshop, run_id: UUID, org: str = "acme") -> list[Explanation]:
    found = await shop.explain().explain(org, run_id)
    assert found.reasons
    return list(found.reasons)


async def names(shop: Workshop, run_id: UUID, org: str = "acme") -> list[str]:
    return [why.reason for why in await explained(shop, run_id, org)]


async def attended(shop: Workshop, slots: int = 4) -> None:
    """Let w1 say that it is there."""
    await shop.journal.attend("w1", slots, 60)


def pool_of(shop: Workshop) -> Any:
    return shop.journal._room.workers._pool
