"""Following a run from any point to its end, and being told why it is not further."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from server.clock import SystemClock
from tests.fakes.clock import ManualClock
from tests.fakes.workshop import ONE_STEP, Workshop
from workers.adapters.journal import PostgresJournal
from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.run import EventType, Run, RunEvent
from workers.ports import StepContext, StepResult
from workers.runtime.watch import Watch

pytestmark = pytest.mark.engine


class CountingIntake:
    """The callers' part of a real journal; counts how often a run and its events are read."""

    def __init__(self, journal: PostgresJournal) -> None:
        self._journal = journal
        self.runs = self.events_read = 0

    async def find_run(self, org: str, run_id: UUID) -> Run | None:
        self.runs += 1
        return await self._journal.find_run(org, run_id)

    async def events(self, run_id: UUID, after: int) -> tuple[RunEvent, ...]:
        self.events_read += 1
        return await self._journal.events(run_id, after)


def follow(shop: Workshop, run_id: UUID, after: int = 0, org: str = "acme") -> AsyncIterator[RunEvent]:
    return Watch(shop.journal, SystemClock(), poll=0.01).follow(org, run_id, after)


async def seen(shop: Workshop, run_id: UUID, after: int = 0) -> list[RunEvent]:
    return [event async for event in follow(shop, run_id, after)]


@pytest.mark.parametrize("after", [0, 1, 2, 3, 4, 5, 99])
async def test_a_run_is_replayed_from_any_sequence_and_always_ends_with_its_end(shop: Workshop, after: int) -> None:
    run = await shop.do(ONE_STEP)
    events = await seen(shop, run.run_id, after)
    assert events[-1].type is EventType.TERMINAL
    assert events[-1].status == "COMPLETED"
    assert [event.sequence for event in events[:-1]] == list(range(after + 1, 5))


async def test_a_watcher_who_came_before_the_run_began_sees_all_of_it(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    watching = asyncio.get_running_loop().create_task(seen(shop, run_id))
    await asyncio.sleep(0)
    await shop.go_on(run_id)
    assert [event.sequence for event in await watching] == [1, 2, 3, 4, 5]


async def test_a_watcher_of_a_cancelled_run_is_told_so(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    await shop.journal.cancel("acme", run_id)
    assert (await seen(shop, run_id))[-1].status == "CANCELLED"


async def test_the_end_carries_the_error(shop: Workshop) -> None:
    async def refuse(_ctx: StepContext) -> StepResult:
        raise FailedError(Failure(Code.PERMISSION_DENIED, Reason.PROVIDER_AUTH, "answered 401"))

    run = await shop.do(ONE_STEP, only=refuse)
    for after in (0, 99):
        assert (await seen(shop, run.run_id, after))[-1].error == run.error


async def test_a_quiet_run_is_heard_of_by_heartbeats_that_repeat_the_last_sequence(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    clock = ManualClock()
    events = Watch(shop.journal, clock, poll=5, heartbeat=10).follow("acme", run_id, 0)
    assert (await anext(events)).type is EventType.QUEUED
    for _ in range(2):
        beat = asyncio.get_running_loop().create_task(_next(events))
        for _ in range(2):
            await clock.until_asleep()
            clock.advance(5)
        event = await beat
        assert (event.type, event.sequence, event.status) == (EventType.HEARTBEAT, 1, "PENDING")
    assert len(await shop.events(run_id)) == 1


async def test_a_quiet_watcher_looks_at_the_run_only_for_a_heartbeat(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    clock, looks = ManualClock(), CountingIntake(shop.journal)
    journal: Any = looks
    events = Watch(journal, clock).follow("acme", run_id, 0)
    assert (await anext(events)).type is EventType.QUEUED
    beat = asyncio.get_running_loop().create_task(_next(events))
    for _ in range(12):
        await clock.until_asleep()
        assert (looks.runs, beat.done()) == (1, False)
        clock.advance(0.25)
    assert (await beat).type is EventType.HEARTBEAT
    assert (looks.runs, looks.events_read) == (2, 14)


async def _next(events: AsyncIterator[RunEvent]) -> RunEvent:
    return await anext(events)


@pytest.mark.parametrize("org", ["acme", "globex"])
async def test_an_absent_run_and_a_foreign_one_are_the_same(shop: Workshop, org: str) -> None:
    await shop.declare()
    run_id = await shop.submit() if org == "globex" else uuid.uuid4()
    with pytest.raises(FailedError) as caught:
        await anext(follow(shop, run_id, org=org))
    with pytest.raises(FailedError) as asked:
        await shop.explain().explain(org, run_id)
    assert caught.value.failure == asked.value.failure
    assert caught.value.failure.reason is Reason.RUN_NOT_FOUND


async def test_more_events_than_one_reading_are_all_seen(shop: Workshop) -> None:
    async def talk(ctx: StepContext) -> StepResult:
        await asyncio.gather(*(ctx.message(f"line {number}") for number in range(600)))
        return StepResult()

    run = await shop.do(ONE_STEP, only=talk)
    assert [event.sequence for event in await seen(shop, run.run_id)] == list(range(1, 606))
