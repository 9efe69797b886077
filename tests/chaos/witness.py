"""What triggers in an arena's journal saw: whether states, fences and caps were as promised at every moment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from attrs import evolve, frozen

from workers.model.run import CancelAsked, Change, Ended, Returned, Run, RunStatus, Started, TransitionError, advance

BROKEN_PATHS = """
SELECT format('%s went from %s to %s after %s', run_id, was, became, before) FROM (
    SELECT run_id, was, became, lag(became, 1, '') OVER (PARTITION BY run_id ORDER BY id) AS before FROM witness.change
) c WHERE was <> before
"""
STEPS = "SELECT DISTINCT was, became FROM witness.change WHERE was <> ''"
OLD_FENCES = """
SELECT format('%s was leased under %s after %s', run_id, fence, before) FROM (
    SELECT run_id, fence, max(fence) OVER (
        PARTITION BY run_id ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
    FROM witness.lease
) l WHERE fence <= before
"""
SHARED_FENCES = """
SELECT format('fence %s was given %s times', fence, count(*)) FROM witness.lease GROUP BY fence HAVING count(*) > 1
"""
OVER_CAP = "SELECT format('%s ran %s at once, its cap is %s', org, running, cap) FROM witness.lease WHERE running > cap"


@frozen
class Witness:
    """Watches one journal."""

    journal: asyncpg.Pool[Any]

    async def begin(self) -> None:
        """Watch from now on."""
        await self.journal.execute(Path(__file__).with_name("witness.sql").read_text())

    async def findings(self) -> list[str]:
        """Return everything that went against a promise so far."""
        found: list[str] = []
        for sql in (BROKEN_PATHS, OLD_FENCES, SHARED_FENCES, OVER_CAP):
            found += [str(row[0]) for row in await self.journal.fetch(sql)]
        return found + [
            f"a run went from {row['was']} to {row['became']}"
            for row in await self.journal.fetch(STEPS)
            if (row["was"], row["became"]) not in ALLOWED
        ]


def _allowed() -> Iterable[tuple[str, str]]:
    """Yield every step that the state machine of workers.model.run takes."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    run = Run(UUID(int=0), "", "", "", "", "", "", RunStatus.PENDING, epoch, epoch.date())
    ends = [Ended(epoch, status) for status in RunStatus if status.terminal]
    changes: list[Change] = [Started(epoch), Returned(), CancelAsked(epoch), *ends]
    for status, change in product(RunStatus, changes):
        try:
            yield status, advance(evolve(run, status=status), change).status
        except TransitionError:
            continue


ALLOWED = frozenset(_allowed())
