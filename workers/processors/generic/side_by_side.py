"""Coroutines that run at once and end together: the first failure cancels the others, and is raised when all are still.

None of them outlives the call, so no supervisor has to know of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from attrs import define, field


@define
class _Group:
    tasks: set[asyncio.Task[Any]] = field(factory=set)
    failure: BaseException | None = None

    async def guard(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.current_task()
        if self.failure is not None or task is None:
            work.close()
            return
        self.tasks.add(task)
        try:
            await work
        except BaseException as error:  # noqa: BLE001 - raised again when all have ended
            self._fail(error, task)
        finally:
            self.tasks.discard(task)

    def _fail(self, error: BaseException, task: asyncio.Task[Any]) -> None:
        if self.failure is None:
            self.failure = error
            for other in self.tasks - {task}:
                other.cancel()


async def side_by_side(*works: Coroutine[Any, Any, None]) -> None:
    """Run until all have ended; raises the first failure."""
    group = _Group()
    await asyncio.gather(*(group.guard(work) for work in works))
    if group.failure is not None:
        raise group.failure
