from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.fakes.clock import ManualClock
from tests.fakes.locks import Locks
from workers.model.failure import SnoozeError
from workers.runtime.turns import PATIENCE_SECONDS, Turns


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def turns(clock: ManualClock) -> Turns:
    locks: Any = Locks()
    return Turns(locks, clock)


async def test_a_turn_is_held_by_one_at_a_time(turns: Turns, clock: ManualClock) -> None:
    order: list[str] = []

    async def second() -> None:
        async with turns.take("x"):
            order.append("second")

    async with turns.take("x"):
        waiting = asyncio.create_task(second())
        await clock.until_asleep()
        order.append("first")
    clock.advance(1)
    await waiting
    assert order == ["first", "second"]


async def test_other_turns_are_free(turns: Turns) -> None:
    async with turns.take("x"), turns.take("y"):
        pass


async def test_a_turn_that_does_not_come_gives_the_slot_back(turns: Turns, clock: ManualClock) -> None:
    async with turns.take("x"):
        waiting = asyncio.create_task(turns.take("x").__aenter__())
        await clock.until_asleep()
        clock.advance(PATIENCE_SECONDS)
        with pytest.raises(SnoozeError, match="another one holds the turn"):
            await waiting


async def test_a_turn_ends_with_an_error_inside(turns: Turns) -> None:
    with pytest.raises(RuntimeError):
        async with turns.take("x"):
            raise RuntimeError
    async with turns.take("x"):
        pass
