from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest

from workers.adapters.journal.batching import Batcher
from workers.model.failure import FailedError


class Desk:
    """Keeps what it is asked for, and answers when it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.go = asyncio.Event()
        self.begun = asyncio.Event()
        self.flight: asyncio.Task[None] | None = None
        self.batcher = Batcher[str, str](self.work, spawn=self.spawn, most=3)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self.flight = asyncio.get_running_loop().create_task(coroutine)

    async def work(self, items: Sequence[str]) -> list[str | Exception]:
        self.batches.append(list(items))
        self.begun.set()
        await self.go.wait()
        if "poison" in items:
            raise RuntimeError("poisoned")
        return [LookupError(item) if item == "bad" else item.upper() for item in items]

    def ask(self, item: str, key: str | None = None) -> asyncio.Task[str]:
        return asyncio.get_running_loop().create_task(self.batcher.submit(item, key))


async def test_what_comes_while_a_batch_is_under_way_makes_up_the_next() -> None:
    desk = Desk()
    first = desk.ask("a")
    await desk.begun.wait()
    later = [desk.ask(item) for item in "bc"]
    desk.go.set()
    assert await asyncio.gather(first, *later) == ["A", "B", "C"]
    assert desk.batches == [["a"], ["b", "c"]]


async def test_a_batch_is_bounded() -> None:
    desk = Desk()
    desk.go.set()
    await asyncio.gather(*(desk.ask(item) for item in "abcde"))
    assert [len(batch) for batch in desk.batches] == [3, 2]


async def test_each_caller_gets_its_own_answer() -> None:
    desk = Desk()
    desk.go.set()
    good, bad = await asyncio.gather(desk.ask("a"), desk.ask("bad"), return_exceptions=True)
    assert good == "A"
    assert isinstance(bad, LookupError)


async def test_a_failed_batch_fails_everybody_in_it_and_nobody_after() -> None:
    desk = Desk()
    desk.go.set()
    failed = await asyncio.gather(desk.ask("a"), desk.ask("poison"), return_exceptions=True)
    assert [type(answer) for answer in failed] == [RuntimeError, RuntimeError]
    assert await desk.ask("b") == "B"


async def test_items_of_one_key_keep_their_order_in_batches_of_their_own() -> None:
    desk = Desk()
    desk.go.set()
    await asyncio.gather(desk.ask("a1", "a"), desk.ask("a2", "a"), desk.ask("b1", "b"), desk.ask("a3", "a"))
    assert desk.batches == [["a1", "b1"], ["a2"], ["a3"]]


async def test_a_caller_that_leaves_tears_nothing() -> None:
    desk = Desk()
    leaving, staying = desk.ask("a"), desk.ask("b")
    await desk.begun.wait()
    leaving.cancel()
    desk.go.set()
    assert await staying == "B"
    assert desk.batches == [["a", "b"]]


async def test_a_caller_that_leaves_before_its_batch_began_takes_its_item_along() -> None:
    desk = Desk()
    first = desk.ask("a")
    await desk.begun.wait()
    leaving, staying = desk.ask("b"), desk.ask("c")
    await asyncio.gather(asyncio.sleep(0), return_exceptions=True)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    desk.go.set()
    await asyncio.gather(first, staying)
    assert desk.batches == [["a"], ["c"]]


async def test_nobody_is_left_waiting_when_the_process_stops() -> None:
    desk = Desk()
    asked = [desk.ask("a")]
    await desk.begun.wait()
    asked.append(desk.ask("b"))
    await asyncio.gather(asyncio.sleep(0), return_exceptions=True)
    assert desk.flight is not None
    desk.flight.cancel()
    for task in asked:
        with pytest.raises(FailedError):
            await task
