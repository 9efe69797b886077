"""The actors that keep the journal in order, on a clock that stands still."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
import structlog
from attrs import define, field
from prometheus_client import Gauge

from tests.fakes.clock import NOON, ManualClock
from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.fairness import Contest
from workers.model.lane import LaneClasses
from workers.model.lease import Depth, LaneDepth
from workers.runtime import upkeep
from workers.runtime.supervisor import Supervisor
from workers.runtime.upkeep import Caretaker

LANES = LaneClasses(((1, "starter"), (2, "professional"), (8, "enterprise")))
DEPTH = Depth(
    (
        LaneDepth(1.0, 7, 2, 3, 1.5, Contest(3, 3.0, 3.0)),
        LaneDepth(2.0, 1, 0, 0, 0.5, Contest(1, 0.0, 0.0)),
        LaneDepth(5.0, 4, 1, 2, 9.5, Contest(1, 3.0, 9.0)),
    ),
    9,
)


@define(eq=False)
class Rooms:
    """Counts what is asked of it, or is away."""

    away: bool = False
    asked: Counter[str] = field(factory=Counter)
    before: list[datetime] = field(factory=list)
    depths: list[Depth] = field(factory=lambda: [DEPTH])

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
        return self.depths.pop(0) if len(self.depths) > 1 else self.depths[0]


async def kept(rooms: Rooms, seconds: int) -> Supervisor:
    """Let time pass second by second under a caretaker."""
    clock = ManualClock()
    journal: Any = rooms
    keeper = Supervisor(clock, lambda: 0.5)
    Caretaker(journal, LANES, clock, lambda: 0.5).start(keeper)
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


def shown(metric: Gauge) -> list[float]:
    """Return what a gauge says of each class, lightest first."""
    return [metric.labels(lane)._value.get() for lane in LANES.names]


async def test_how_much_waits_is_shown_by_class_of_lane() -> None:
    keeper = await kept(Rooms(), 6)
    assert [shown(upkeep.waiting), shown(upkeep.delayed)] == [[7, 5, 0], [2, 1, 0]]
    assert [shown(upkeep.running), shown(upkeep.oldest)] == [[3, 2, 0], [1.5, 9.5, 0]]
    assert upkeep.unpublished._value.get() == 9
    await keeper.stop()


async def test_how_evenly_slots_are_shared_is_shown_by_class_of_lane_and_for_all() -> None:
    keeper = await kept(Rooms(), 6)
    assert shown(upkeep.fairness) == [1.0, 0.5, 1.0]
    assert upkeep.fairness_of_all._value.get() == 36 / (5 * 12)
    await keeper.stop()


@pytest.mark.fault("F21")
async def test_a_transaction_that_stays_open_is_shown_and_warned_of_after_a_minute() -> None:
    for seconds, warnings in ((59.0, 0), (61.0, 1)):
        with structlog.testing.capture_logs() as said:
            keeper = await kept(Rooms(depths=[Depth((), 0, seconds)]), 6)
            await keeper.stop()
        assert upkeep.oldest_transaction._value.get() == seconds
        assert bool(warnings) == any("stays open" in line["event"] for line in said)


async def test_a_class_whose_last_run_is_gone_is_shown_empty() -> None:
    keeper = await kept(Rooms(depths=[DEPTH, Depth((), 0)]), 12)
    assert [shown(upkeep.waiting), shown(upkeep.oldest), shown(upkeep.running)] == [[0, 0, 0]] * 3
    await keeper.stop()


async def test_what_was_taken_back_or_repaired_is_counted() -> None:
    reaped, drifted = upkeep.reaped._value.get(), upkeep.drifted._value.get()
    keeper = await kept(Rooms(), 61)
    assert upkeep.reaped._value.get() - reaped == 24
    assert upkeep.drifted._value.get() - drifted == 1
    await keeper.stop()
