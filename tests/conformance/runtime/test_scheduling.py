"""The scheduler by itself."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import define, evolve

from tests.fakes.clock import ManualClock
from tests.fakes.wall import Wall
from workers.model.failure import Code, FailedError, Failure, Reason
from workers.runtime.supervisor import Supervisor

pytestmark = pytest.mark.engine


@define
class Unsteady:
    """Rounds that are away when they are first asked."""

    journal: Any
    away: bool = True

    async def hold(self, *given: Any) -> Any:
        if self.away:
            self.away = False
            raise FailedError(Failure(Code.UNAVAILABLE, Reason.SERVICE_UNAVAILABLE, "away", retryable=True))
        return await self.journal.hold(*given)

    async def note_starts(self) -> int:
        return int(await self.journal.note_starts())


async def test_the_scheduler_looks_by_itself_and_outlives_a_journal_that_is_away(wall: Wall) -> None:
    schedule = await wall.put()
    clock = wall.shop.clock = ManualClock()
    keeper = Supervisor(clock, lambda: 0.5)
    rounds: Any = Unsteady(wall.shop.journal)
    scheduler = evolve(wall.shop.scheduler(), rounds=rounds, roll=lambda: 0.5)
    scheduler.start(keeper)
    keeper.start()
    for seen in ([], ["FIRED"]):
        await clock.until_asleep()
        assert clock.next_wake == 1
        clock.advance(1)
        await clock.until_asleep()
        assert await wall.states(schedule) == seen
    assert keeper.down == frozenset()
    await keeper.stop()
