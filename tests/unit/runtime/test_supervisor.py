from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

import pytest

from tests.fakes.clock import ManualClock
from workers.runtime.supervisor import Supervisor


class Moment:
    """A clock that does not wait: every sleep is one turn of the loop."""

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        assert 0 <= seconds <= 1
        await asyncio.sleep(0)


def supervisor() -> Supervisor:
    return Supervisor(Moment(), lambda: 0.5)


async def for_ever() -> None:
    await asyncio.Event().wait()


async def test_an_actor_that_dies_is_started_again() -> None:
    lives: list[int] = []
    again = asyncio.Event()

    async def actor() -> None:
        lives.append(1)
        if len(lives) < 3:
            raise RuntimeError("dies")
        again.set()
        await for_ever()

    keeper = supervisor()
    keeper.add("actor", actor)
    keeper.start()
    await again.wait()
    await keeper.stop()
    assert len(lives) == 3


@pytest.mark.fault("F30")
async def test_an_actor_that_keeps_dying_is_given_up_and_its_siblings_live() -> None:
    gone = asyncio.Event()
    given_up: list[str] = []
    sibling_stopped = asyncio.Event()

    async def dying() -> None:
        raise RuntimeError("dies")

    async def sibling() -> None:
        try:
            await for_ever()
        finally:
            sibling_stopped.set()

    def on_give_up(name: str) -> None:
        given_up.append(name)
        gone.set()

    keeper = Supervisor(Moment(), lambda: 0.5, on_give_up)
    keeper.add("dying", dying)
    keeper.add("sibling", sibling)
    keeper.start()
    await gone.wait()
    assert given_up == ["dying"]
    assert not sibling_stopped.is_set()
    await keeper.stop()
    assert sibling_stopped.is_set()


async def test_children_stop_in_the_opposite_order_of_their_start() -> None:
    ended: list[str] = []

    def actor(name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
        async def run() -> None:
            try:
                await for_ever()
            finally:
                ended.append(name)

        return run

    keeper = supervisor()
    for name in ("first", "second", "third"):
        keeper.add(name, actor(name))
    keeper.start()
    await asyncio.sleep(0)
    await keeper.stop()
    assert ended == ["third", "second", "first"]


async def test_stopping_before_starting_and_twice_is_allowed() -> None:
    keeper = supervisor()
    await keeper.stop()
    keeper.start()
    await keeper.stop()
    await keeper.stop()


async def test_shielded_work_is_finished_before_a_cancellation_is_raised() -> None:
    keeper = supervisor()
    begun, finish, finished = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def commit() -> None:
        begun.set()
        await finish.wait()
        finished.set()

    async with asyncio.TaskGroup() as group:
        caller = group.create_task(keeper.shielded(commit()))
        await begun.wait()
        caller.cancel()
        await asyncio.sleep(0)
        assert not caller.done()
        finish.set()
    assert finished.is_set()
    assert caller.cancelled()


async def test_shielded_work_hands_its_error_on() -> None:
    async def commit() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await supervisor().shielded(commit())


async def test_an_actor_that_dies_of_a_strangers_cancellation_is_started_again() -> None:
    lives: list[int] = []
    again = asyncio.Event()

    async def actor() -> None:
        lives.append(1)
        if len(lives) == 2:
            again.set()
            await for_ever()
        given_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        given_up.cancel()
        await given_up

    keeper = supervisor()
    keeper.add("actor", actor)
    keeper.start()
    async with asyncio.timeout(5):
        await again.wait()
    await keeper.stop()
    assert len(lives) == 2


async def test_who_was_given_up_is_known() -> None:
    gone = asyncio.Event()

    async def dying() -> None:
        raise RuntimeError("dies")

    keeper = Supervisor(Moment(), lambda: 0.5, lambda _name: gone.set())
    keeper.add("dying", dying)
    keeper.start()
    await gone.wait()
    assert keeper.down == {"dying"}
    await keeper.stop()


async def test_an_actor_that_has_lived_for_long_may_die_again() -> None:
    clock = ManualClock()
    died = asyncio.Semaphore(0)

    async def dying() -> None:
        await clock.sleep(30)
        died.release()
        raise RuntimeError("dies")

    keeper = Supervisor(clock, lambda: 0.0)
    keeper.add("dying", dying)
    keeper.start()
    for _ in range(12):
        await clock.until_asleep()
        clock.advance(30)
        await died.acquire()
    assert keeper.down == frozenset()
    await keeper.stop()


async def test_a_task_that_ignores_its_cancellation_does_not_hold_up_a_stop_for_ever() -> None:
    released = asyncio.Event()

    async def deaf() -> None:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue

    keeper = Supervisor(Moment(), lambda: 0.5, patience=0.02)
    keeper.add("deaf", deaf)
    keeper.start()
    stray = keeper.spawn(deaf(), "stray")
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await keeper.stop()
    released.set()
    await asyncio.wait({stray})


async def test_what_is_spawned_is_kept_hold_of_until_it_ends() -> None:
    keeper = supervisor()

    async def work() -> int:
        return 5

    task = keeper.spawn(work())
    assert task in keeper._spawned
    assert await task == 5
    await asyncio.sleep(0)
    assert keeper._spawned == set()


async def test_a_child_that_is_added_later_starts_at_once() -> None:
    begun = asyncio.Event()

    async def actor() -> None:
        begun.set()

    keeper = supervisor()
    keeper.start()
    keeper.add("late", actor)
    await begun.wait()
    await keeper.stop()
