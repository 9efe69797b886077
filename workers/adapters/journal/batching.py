"""Many callers, one transaction: what is asked for while one batch is under way makes up the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from typing import Any, Generic, TypeVar

from attrs import frozen

from workers.adapters.journal.errors import UnknownOutcomeError

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
    """Hands items to `work`, one batch at a time; `work` answers each with a result or the error to raise for it.

    Items of one key never share a batch, and keep their order. A caller that goes away takes its item along only as
    long as its batch has not begun.
    """

    def __init__(
        self, work: Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]], *, spawn: Spawn, most: int = 256
    ) -> None:
        self._work = work
        self._spawn = spawn
        self._most = most
        self._flying = False
        self._waiting: list[_Waiter[T, R]] = []

    async def submit(self, item: T, key: Hashable = None) -> R:
        """Return the item's result once its batch is done; items without a key are all apart."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiter(item, key, answer))
        if not self._flying:
            self._flying = True
            self._spawn(self._drain())
        return await answer

    async def _drain(self) -> None:
        try:
            while batch := self._take():
                await self._fly(batch)
        finally:
            self._flying = False
            # Empty unless the process stops in the middle: then nobody may be left waiting.
            _deliver(self._waiting, ())
            self._waiting = []

    def _take(self) -> list[_Waiter[T, R]]:
        batch: list[_Waiter[T, R]] = []
        left: list[_Waiter[T, R]] = []
        keys: set[Hashable] = set()
        for waiter in self._waiting:
            if waiter.answer.done():
                continue
            if len(batch) == self._most or (waiter.key is not None and waiter.key in keys):
                left.append(waiter)
            else:
                batch.append(waiter)
            keys.add(waiter.key)
        self._waiting = left
        return batch

    async def _fly(self, batch: list[_Waiter[T, R]]) -> None:
        answers: Sequence[R | Exception] = ()
        try:
            answers = await self._work([waiter.item for waiter in batch])
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it is
            answers = [error] * len(batch)
        finally:
            _deliver(batch, answers)


def _deliver(batch: Sequence[_Waiter[T, R]], answers: Sequence[R | Exception]) -> None:
    """Answer everybody who still waits; without an answer (the flight was cancelled) the outcome is unknown."""
    for place, waiter in enumerate(batch):
        if waiter.answer.done():
            continue
        answer = answers[place] if place < len(answers) else UnknownOutcomeError(0)
        if isinstance(answer, Exception):
            waiter.answer.set_exception(answer)
        else:
            waiter.answer.set_result(answer)
