from __future__ import annotations

import asyncio

import pytest

from tests.fakes import hostile_provider as hostile
from tests.unit.rest.desk import Desk
from workers.model.failure import FailedError
from workers.model.pagination import CursorPages

TWO_PAGES = (hostile.rows({"id": 1}, next="b"), hostile.rows({"id": 2}))


async def cancelled_after(desk: Desk, ticks: int) -> bool:
    """Cancel a read after so many turns of the loop; False when it was done by then."""
    desk.provider.script("/rows", *TWO_PAGES)
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(desk.pages(desk.read(pagination=CursorPages("page", "next"))))
        for _ in range(ticks):
            await asyncio.sleep(0)
        reading.cancel()
    return reading.cancelled()


def tasks_of_reading() -> set[asyncio.Task[object]]:
    """Every task but those of servers that other tests of the session keep."""
    others = ("grpc", "aiohttp/web", "tests/plugins")
    return {task for task in asyncio.all_tasks() if not any(other in repr(task) for other in others)}


async def test_a_read_may_be_cancelled_at_any_moment_and_leaves_nothing(desk: Desk) -> None:
    ticks, before = 0, tasks_of_reading()
    async with asyncio.timeout(20):
        while await cancelled_after(desk, ticks):
            await desk.provider.idle()
            ticks += 1
    await desk.provider.idle()
    assert ticks > 10
    assert tasks_of_reading() == before
    assert len(desk.reader._circuits) == 0


@pytest.mark.parametrize("behaviour", [hostile.hang, hostile.half_head, hostile.hang_in_body])
async def test_a_failed_read_leaves_no_connection(hasty: Desk, behaviour: hostile.Behaviour) -> None:
    hasty.limit(attempts=1)
    hasty.provider.script("/rows", behaviour)
    before = tasks_of_reading()
    with pytest.raises(FailedError, match="sent nothing for too long"):
        await hasty.pages()
    assert len(tasks_of_reading() - before) == 1  # the provider, which still hangs
