"""Runs that wait without a slot for a time that no test has: why, for how long, and letting that time pass."""

from __future__ import annotations

from typing import Any

from tests.chaos.arena import Arena
from tests.fakes.until import until

WAITS = """
SELECT why, extract(epoch FROM due_at - now())::integer AS seconds FROM queue
WHERE run_id = $1 AND state = 'delayed' AND status = 'PENDING'
"""
DUE = "UPDATE queue SET due_at = now() WHERE run_id = $1 AND state = 'delayed'"


async def waiting(arena: Arena, run_id: str) -> tuple[str, int]:
    """Wait until a run waits without a slot; return why and for how many seconds."""
    row: Any = await until(lambda: arena.running.journal.fetchrow(WAITS, run_id), 60)
    return row["why"], row["seconds"]


async def due(arena: Arena, run_id: str) -> None:
    """Let the time pass that a run waits for."""
    await arena.running.journal.execute(DUE, run_id)
