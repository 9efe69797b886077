"""The actors that keep the journal in order, on a clock that stands still."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import define, field

from tests.fakes.clock import NOON, ManualClock
from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.lease import Depth
from workers.runtime import upkeep
from workers.runtime.supervisor import Supervisor
from workers.runtime.upkeep import Caretaker


@define(eq=False)
class Rooms:
    """Counts what is asked of it, or is away."""

    away: bool = False
    asked: Counter[str] = field(factory=Counter)
    before: list[datetime] = field(factory=list)

    def _ask(self, what: str) -> None:
        self.asked[what] += 1
        if self.away:
            raise FailedError(Failure(Code.UNAVAILABLE, Reason.SERVICE_UNAVAILABLE, "away", retryable=True))

    async def reap(self) -> int:
        self._ask("reap")
        return 2

    async def sweep(self) -> tuple[str, ...]:
        self._ask("sweep")
        return ("lane acme counted 2 running, had 1; repaired",)

    async def prune(self, before: datetime) -> int:
        self._ask("prune")
        self.before.append(before)
        return 0

    async def depth(self) -> Depth:
        self._ask("depth")
        return Depth(7, 2, 3, 1.5, 9)


async def kept(rooms: Rooms, seconds: int) -> Supervisor:
    """Let time pass second by second under a caretaker."""
    clock = ManualClock()
    journal: Any = rooms
    keeper = Supervisor(clock, lambda: 0.5)
    Caretaker(journal, clock, lambda: 0.5).start(keeper)
    keeper.start()
    for _ in range(seconds):
        await clock.until_asleep(4)
        clock.advance(1)
    await clock.until_asleep(4)
    return keeper


async def test_every_duty_is_done_at_its_own_pace() -> None:
    rooms = Rooms()
    keeper = await kept(rooms, 3660)
    assert rooms.asked == {"reap": 732, "depth": 732, "sweep": 61, "prune": 1}
    assert timedelta(days=90) <= NOON + timedelta(hours=1) - rooms.before[0] < timedelta(days=90, minutes=1)
    await keeper.stop()


async def test_a_journal_that_is_away_is_asked_again_and_kills_no_actor() -> None:
    rooms = Rooms(away=True)
    keeper = await kept(rooms, 120)
    assert (rooms.asked["reap"], keeper.down) == (24, frozenset())
    await keeper.stop()


@pytest.mark.parametrize(
    ("metric", "value"),
    [("waiting", 7), ("delayed", 2), ("running", 3), ("oldest", 1.5), ("unpublished", 9)],
)
async def test_how_much_waits_is_shown(metric: str, value: float) -> None:
    keeper = await kept(Rooms(), 6)
    assert getattr(upkeep, metric)._value.get() == value
    await keeper.stop()


async def test_what_was_taken_back_or_repaired_is_counted() -> None:
    reaped, drifted = upkeep.reaped._value.get(), upkeep.drifted._value.get()
    keeper = await kept(Rooms(), 61)
    assert upkeep.reaped._value.get() - reaped == 24
    assert upkeep.drifted._value.get() - drifted == 1
    await keeper.stop()
