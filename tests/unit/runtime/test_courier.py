"""How long a letter waits, and what the courier does while the journal is away."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import Any

from attrs import define
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import ManualClock
from tests.fakes.letterbox import refusal
from workers.runtime.courier import FIRST_WAIT, LEADING_SECONDS, LONGEST_WAIT, Courier, wait
from workers.runtime.supervisor import Supervisor


@given(st.integers(1, 10_000), st.floats(0, 1), st.none() | st.floats(0, 1e9))
def test_a_wait_grows_is_never_longer_than_an_hour_and_never_shorter_than_asked(
    attempts: int, roll: float, asked: float | None
) -> None:
    seconds = wait(attempts, asked, roll)
    assert FIRST_WAIT / 2 <= seconds <= LONGEST_WAIT
    assert seconds >= min(asked or 0.0, LONGEST_WAIT)
    assert wait(attempts + 1, asked, roll) >= seconds


@define(eq=False)
class Away:
    """A journal that is away, or whose lead another replica has."""

    leads: bool
    asked: int = 0

    @asynccontextmanager
    async def lead(self, role: str) -> Any:
        assert role == "courier"
        self.asked += 1
        yield self.leads

    async def announce(self) -> int:
        raise refusal(retryable=True)


async def turns(away: Away) -> None:
    """Let the actor come to its pause three times."""
    clock = ManualClock()
    journal: Any = away
    nothing: Any = None
    courier = Courier(journal, nothing, journal, nothing, nothing, {}, clock, lambda: 0.5)
    keeper = Supervisor(clock, lambda: 0.5)
    courier.start(keeper)
    keeper.start()
    for _ in range(3):
        await clock.until_asleep()
        assert clock.next_wake == courier.interval < LEADING_SECONDS
        clock.advance(courier.interval)
    await clock.until_asleep()
    assert keeper.down == frozenset()
    await keeper.stop()


async def test_a_journal_that_is_away_is_asked_again() -> None:
    away = Away(leads=True)
    await turns(away)
    assert away.asked == 4


async def test_who_does_not_lead_carries_nothing() -> None:
    away = Away(leads=False)
    await turns(away)
    assert away.asked == 4
