"""Owns every task: starts actors, restarts the ones that die, gives up on the ones that keep dying, stops in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import structlog
from attrs import define, field
from prometheus_client import Counter

from workers.ports import Clock

Result = TypeVar("Result")
Actor = Callable[[], Coroutine[Any, Any, None]]

log = structlog.get_logger()
restarts = Counter("actor_restarts_total", "Actors that died and were started again", ["actor"])
given_up = Counter("actor_given_up_total", "Actors that died too often and stay down", ["actor"])


@define
class _Child:
    name: str
    actor: Actor
    task: asyncio.Task[None] | None = None
    deaths: deque[float] = field(factory=deque)


class Supervisor:
    """Children are started in the order they were added and stopped in the opposite one.

    A child that returns is done. One that raises is started again within `longest_wait` seconds (full jitter); after
    more than `intensity` deaths in `period` seconds it stays down and `on_give_up(name)` is called. Stopping may come
    before starting and more than once, and returns when nothing runs any more, but for tasks that ignore their
    cancellation for `patience` seconds.
    """

    def __init__(
        self,
        clock: Clock,
        roll: Callable[[], float],
        on_give_up: Callable[[str], None] = lambda _name: None,
        *,
        intensity: int = 5,
        period: float = 60.0,
        longest_wait: float = 1.0,
        patience: float = 2.0,
    ) -> None:
        self._clock = clock
        self._roll = roll
        self._on_give_up = on_give_up
        self._intensity = intensity
        self._period = period
        self._longest_wait = longest_wait
        self._patience = patience
        self._down: set[str] = set()
        self._children: list[_Child] = []
        self._spawned: set[asyncio.Task[Any]] = set()
        self._started = False

    @property
    def down(self) -> frozenset[str]:
        """Names of the children that were given up."""
        return frozenset(self._down)

    def add(self, name: str, actor: Actor) -> None:
        """Declare a child; it starts with `start`, or at once when that has happened."""
        child = _Child(name, actor)
        self._children.append(child)
        if self._started:
            self._launch(child)

    def start(self) -> None:
        """Start every child."""
        self._started = True
        for child in self._children:
            self._launch(child)

    async def stop(self) -> None:
        """Cancel children, last added first, each awaited before the next; then what was spawned."""
        self._started = False
        while self._children:
            task = self._children.pop().task
            if task is not None:
                await self._cancelled({task})
        await self._cancelled(self._spawned - {asyncio.current_task()})

    def spawn(self, work: Coroutine[Any, Any, Result], name: str = "") -> asyncio.Task[Result]:
        """Start a task that ends by itself; its owner awaits it."""
        task = asyncio.create_task(work, name=name or None)  # noqa: TID251 - the one place
        self._spawned.add(task)
        task.add_done_callback(self._spawned.discard)
        return task

    async def shielded(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Await `work` to its end even when the caller is cancelled; the cancellation is raised afterwards."""
        task = self.spawn(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.done():
                await asyncio.wait({task})
            raise

    def _launch(self, child: _Child) -> None:
        child.task = asyncio.create_task(self._keep(child), name=child.name)  # noqa: TID251 - likewise

    async def _keep(self, child: _Child) -> None:
        while True:
            if await self._lived(child):
                return
            if not self._may_restart(child):
                given_up.labels(child.name).inc()
                log.error("actor given up", actor=child.name)
                self._down.add(child.name)
                self._on_give_up(child.name)
                return
            restarts.labels(child.name).inc()
            await self._clock.sleep(self._roll() * min(self._longest_wait, 0.05 * 2 ** len(child.deaths)))

    async def _lived(self, child: _Child) -> bool:
        """Return whether the actor came to its own end."""
        try:
            await child.actor()
        except asyncio.CancelledError:
            if cancellation_asked():
                raise
            log.exception("actor died of a cancellation that nobody asked for", actor=child.name)
        except Exception:
            log.exception("actor died", actor=child.name)
        else:
            return True
        return False

    async def _cancelled(self, tasks: set[asyncio.Task[Any]]) -> None:
        for task in tasks:
            task.cancel()
        deaf = await settled(tasks, self._patience)
        if deaf:
            log.error("tasks ignore their cancellation", tasks=sorted(task.get_name() for task in deaf))

    def _may_restart(self, child: _Child) -> bool:
        now = self._clock.monotonic()
        child.deaths.append(now)
        while child.deaths and child.deaths[0] < now - self._period:
            child.deaths.popleft()
        return len(child.deaths) <= self._intensity


def cancellation_asked() -> bool:
    """Whether the current task is being cancelled, and has not merely awaited something that was."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def settled(tasks: set[asyncio.Task[Any]], seconds: float) -> set[asyncio.Task[Any]]:
    """Wait at most `seconds` for tasks to end and return those that have not."""
    if not tasks:
        return set()
    _, pending = await asyncio.wait(tasks, timeout=seconds)
    return pending
