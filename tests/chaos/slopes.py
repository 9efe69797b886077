"""How what a process holds grows: samples of it, and slopes that single outliers do not move."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from statistics import median

import psutil
from attrs import frozen

from tests.plugins.sandbox import Running, sample

SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'journal %'"


@frozen
class Held:
    """What the service holds at a moment (monotonic seconds)."""

    at: float
    mebibytes: float
    files: float
    threads: float
    tasks: float
    sessions: float


KINDS: dict[str, Callable[[Held], float]] = {
    "mebibytes": lambda held: held.mebibytes,
    "files": lambda held: held.files,
    "threads": lambda held: held.threads,
    "tasks": lambda held: held.tasks,
    "sessions": lambda held: held.sessions,
}


async def held_now(running: Running, pid: int, at: float) -> Held:
    """Look at a process from outside, at its metrics, and at Postgres."""
    process = psutil.Process(pid)
    return Held(
        at=at,
        mebibytes=process.memory_info().rss / 2**20,
        files=process.num_fds(),
        threads=process.num_threads(),
        tasks=sample(await running.metrics(), "loop_tasks"),
        sessions=await running.journal.fetchval(SESSIONS),
    )


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the median of the slopes of all pairs (Theil, 1950; Sen, 1968), per unit of the first value."""
    return median((y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(points, 2))


def per_minute(seen: Sequence[Held]) -> dict[str, float]:
    """Return how fast everything grew in the second half of what was seen."""
    half = seen[len(seen) // 2 :]
    return {kind: 60 * slope([(one.at, read(one)) for one in half]) for kind, read in KINDS.items()}
