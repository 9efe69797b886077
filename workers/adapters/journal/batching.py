"""Many callers, one transaction: what is asked for while one batch is under way makes up the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from typing import Any, Generic, TypeVar

from attrs import frozen

T = TypeVar("T")
R = TypeVar("R")

Spawn = Callable[[Coroutine[Any, Any, None]], object]
"""Starts a coroutine that nobody's cancellation reaches, and keeps hold of it until it ends."""


@frozen
class _Waiter(Generic[T, R]):
    item: T
    key: Hashable
    answer: asyncio.Future[R]


class Batcher(Generic[T, R]):
    """Hands items to `work` in batches; `work` answers each with a result or the error to raise for it.

    Items of one key never share a batch, and keep their order. A caller that goes away leaves its item where it is.
    """

    def __init__(
        self,
        work: Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]],
        *,
        spawn: Spawn,
        most: int = 256,
        at_once: int = 1,
    ) -> None:
        self._work = work
        self._spawn = spawn
        self._most = most
        self._at_once = at_once
        self._flights = 0
        self._waiting: list[_Waiter[T, R]] = []
        self._busy: set[Hashable] = set()

    async def submit(self, item: T, key: Hashable = None) -> R:
        """Return the item's result once its batch is done; items without a key are all apart."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiter(item, key, answer))
        if self._flights < self._at_once:
            self._flights += 1
            self._spawn(self._drain())
        return await answer

    async def _drain(self) -> None:
        try:
            while batch := self._take():
                await self._fly(batch)
        finally:
            self._flights -= 1

    def _take(self) -> list[_Waiter[T, R]]:
        batch: list[_Waiter[T, R]] = []
        left: list[_Waiter[T, R]] = []
        for waiter in self._waiting:
            if len(batch) == self._most or (waiter.key is not None and waiter.key in self._busy):
                left.append(waiter)
                continue
            batch.append(waiter)
            if waiter.key is not None:
                self._busy.add(waiter.key)
        self._waiting = left
        return batch

    async def _fly(self, batch: list[_Waiter[T, R]]) -> None:
        answers: Sequence[R | Exception] = ()
        try:
            answers = await self._work([waiter.item for waiter in batch])
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it is
            answers = [error] * len(batch)
        finally:
            self._busy.difference_update(waiter.key for waiter in batch)
            _deliver(batch, answers)


def _deliver(batch: Sequence[_Waiter[T, R]], answers: Sequence[R | Exception]) -> None:
    """Answer everybody who still waits; whoever got no answer (the flight was cancelled) is cancelled too."""
    for place, waiter in enumerate(batch):
        if waiter.answer.done():
            continue
        if place >= len(answers):
            waiter.answer.cancel()
        elif isinstance(answer := answers[place], Exception):
            waiter.answer.set_exception(answer)
        else:
            waiter.answer.set_result(answer)
