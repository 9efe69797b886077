"""What a fault cost: accepted runs that were lost, things done twice, what was left taken. Counted, then printed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
from attrs import frozen

from tests.fakes.until import until


@frozen
class Toll:
    """What a fault cost, as the last table prints it."""

    fault: str
    injected: int
    recovered_in: float
    lost: int
    duplicated: int
    leaked: int

    @property
    def harmless(self) -> bool:
        """Whether nothing was lost, done twice or left behind."""
        return self.lost == self.duplicated == self.leaked == 0


@frozen
class Counts:
    """Looks into the journal and the spool, behind the service's back."""

    journal: asyncpg.Pool[Any]
    spool: Path

    async def all(self, acked: list[str]) -> tuple[int, int, int]:
        """Return what of the acked runs was lost and done twice, and what leaked, once nothing waits any more."""
        return await self._lost(acked), await self._twice(acked), await self._leaked()

    async def _lost(self, acked: list[str]) -> int:
        sql = (
            "SELECT run_id, pipeline, status, error FROM run WHERE run_id = ANY ($1::uuid[]) AND status <> 'COMPLETED'"
        )
        lost = [dict(row) for row in await self.journal.fetch(sql, acked)]
        for run in lost:
            print("not completed:", run)
        stored = await self.journal.fetchval("SELECT count(*) FROM run WHERE run_id = ANY ($1::uuid[])", acked)
        return len(lost) + len(set(acked)) - int(stored)

    async def _twice(self, acked: list[str]) -> int:
        """Terminal events too many, gaps in the events' numbers, and keys that stand for one run together."""
        ends = "SELECT count(*) FROM event WHERE run_id = ANY ($1::uuid[]) AND type = 'TERMINAL'"
        gaps = """SELECT count(*) FROM (SELECT 1 FROM event WHERE run_id = ANY ($1::uuid[])
            GROUP BY run_id HAVING max(sequence) <> count(*)) g"""
        keys = "SELECT count(*) - count(DISTINCT run_id) FROM idempotency"
        terminals = int(await self.journal.fetchval(ends, acked))
        others = await self.journal.fetchval(gaps, acked) + await self.journal.fetchval(keys)
        return abs(terminals - len(set(acked))) + int(others)

    async def _leaked(self) -> int:
        """Runs still taken, lane counters that are wrong, and spool files that nobody will load."""

        async def quiet() -> bool:
            return bool(await self.journal.fetchval("SELECT count(*) = 0 FROM queue"))

        await until(quiet, 30)
        drift = await self.journal.fetchval("SELECT count(*) FROM lane_drift")
        return int(drift) + sum(file.is_file() for file in self.spool.rglob("*"))


def table(tolls: list[Toll]) -> str:
    """Print what every fault cost."""
    lines = [f"{'fault':58} {'injected':>8} {'recovered':>10} {'lost':>5} {'twice':>6} {'leaked':>7}"]
    for toll in tolls:
        counts = f"{toll.lost:5} {toll.duplicated:6} {toll.leaked:7}"
        lines.append(f"{toll.fault:58} {toll.injected:8} {toll.recovered_in:8.1f} s {counts}")
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return "\n".join([f"chaos, {at}", *lines])
