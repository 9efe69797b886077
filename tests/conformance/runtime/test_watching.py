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
from tests.fakes.workshop import ONE_STEP, Workshop, for_ever
from workers.adapters.journal import PostgresJournal
from workers.model.explanation import Explanation
from workers.model.failure import Code, FailedError, Failure, Reason, SnoozeError
from workers.model.lease import RunEnded
from workers.model.org import Subscription
from workers.model.run import EventType, Run, RunError, RunEvent, RunStatus
from workers.ports import StepContext, StepResult
from workers.runtime.explain import Explain
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


async def explained(shop: Workshop, run_id: UUID) -> list[Explanation]:
    directory: Any = shop.book
    _, reasons = await Explain(shop.journal, directory, shop.clock).explain("acme", run_id)
    assert reasons
    return list(reasons)


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
    directory: Any = shop.book
    with pytest.raises(FailedError) as asked:
        await Explain(shop.journal, directory, shop.clock).explain(org, run_id)
    assert caught.value.failure == asked.value.failure
    assert caught.value.failure.reason is Reason.RUN_NOT_FOUND


async def test_more_events_than_one_reading_are_all_seen(shop: Workshop) -> None:
    async def talk(ctx: StepContext) -> StepResult:
        await asyncio.gather(*(ctx.message(f"line {number}") for number in range(600)))
        return StepResult()

    run = await shop.do(ONE_STEP, only=talk)
    assert [event.sequence for event in await seen(shop, run.run_id)] == list(range(1, 606))


async def test_the_next_run_is_told_that_it_is_next_and_others_what_stands_before_them(shop: Workshop) -> None:
    await shop.declare()
    first, second = await shop.submit(), await shop.submit()
    assert [why.reason for why in await explained(shop, first)] == ["NEXT"]
    (behind,) = await explained(shop, second)
    assert (behind.reason, "1 runs" in behind.message) == ("QUEUED", True)


async def test_a_run_at_its_organisations_cap_is_told_of_it(shop: Workshop) -> None:
    await shop.declare()
    shop.enrol("acme", subscription=Subscription("ACTIVE", "PRO", 10, 10, 1))
    await shop.submit()
    await shop.lease()
    waiting = await shop.submit()
    assert (await explained(shop, waiting))[0].reason == "CAP_REACHED"


async def test_a_running_run_is_told_who_does_what(shop: Workshop) -> None:
    await shop.declare()
    shop.parts["only"] = for_ever
    run_id = await shop.submit()
    shop.start()
    await shop.seen(run_id, EventType.STEP_STARTED, "only")
    (why,) = await explained(shop, run_id)
    assert (why.reason, why.message.startswith("w1 is doing only")) == ("RUNNING", True)
    assert why.until is not None


async def test_a_run_whose_worker_died_is_told_that_it_waits_to_be_tried_alone(shop: Workshop) -> None:
    await shop.declare()
    first, second = await shop.submit(), await shop.submit()
    await shop.journal.claim("w1", 2)
    await shop.journal.recover("w1")
    (why,), (behind,) = await explained(shop, first), await explained(shop, second)
    assert (why.reason, behind.reason) == ("SUSPECT", "SUSPECT")
    assert ("0 such runs" in why.message, "1 such runs" in behind.message) == (True, True)
    assert why.until is not None
    assert 0 < (why.until - shop.clock.now()).total_seconds() <= 6


async def test_a_run_that_is_tried_alone_says_so_and_whoever_waits_for_it_too(shop: Workshop) -> None:
    await shop.declare()
    tried = await shop.submit()
    await shop.lease()
    for _ in range(2):
        await shop.journal.recover("w1")
        await shop.lease()
    waiting = await shop.submit()
    (why,), (shut,) = await explained(shop, tried), await explained(shop, waiting)
    assert why.reason == "RUNNING"
    assert "and nothing else" in why.message
    assert "died 1 times while it ran alone" in why.message
    assert shut.reason == "WORKERS_SHUT"
    assert shut.until is not None


async def test_a_suspect_of_an_organisation_at_its_cap_is_told_of_both(shop: Workshop) -> None:
    await shop.declare()
    _, suspect = await shop.submit(), await shop.submit()
    await shop.journal.claim("w1", 2)
    await shop.journal.recover("w1")
    await shop.lease("w2")
    shop.enrol("acme", subscription=Subscription("ACTIVE", "PRO", 10, 10, 1))
    await shop.submit()
    assert await shop.journal.claim("w3", 1) == ()
    assert [why.reason for why in await explained(shop, suspect)] == ["CAP_REACHED", "SUSPECT"]


async def test_a_run_that_killed_its_worker_three_times_is_told_who_has_to_look(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    for _ in range(4):
        await shop.lease()
        await shop.journal.recover("w1")
    (why,) = await explained(shop, run_id)
    assert (why.reason, why.owner) == ("PROCESS_CRASHED", "service")
    assert "3 times" in why.message


async def test_a_run_that_is_asked_to_stop_is_told_who_ends_it(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    await shop.lease()
    await shop.journal.cancel("acme", run_id)
    (held,) = await explained(shop, run_id)
    assert (held.reason, held.message) == ("CANCELLING", "w1 is asked to stop it")
    await shop.journal.recover("w1")
    assert [why.reason for why in await explained(shop, run_id)] == ["CANCELLING", "SUSPECT"]


async def test_a_lease_that_ended_is_not_called_renewed(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    await shop.lease()
    await shop.journal._room.workers._pool.execute("UPDATE queue SET lease_until = now()")
    assert [why.reason for why in await explained(shop, run_id)] == ["LEASE_EXPIRED"]


async def test_a_waiting_run_is_told_what_for_and_until_when(shop: Workshop) -> None:
    async def later(_ctx: StepContext) -> StepResult:
        raise SnoozeError(90, "waiting for the rate limit: api.p.com")

    run = await shop.do(ONE_STEP, only=later)
    (why,) = await explained(shop, run.run_id)
    assert (why.reason, why.message) == ("WAITING_FOR_TIME", "waiting for the rate limit: api.p.com")
    assert why.until is not None
    assert 80 < (why.until - shop.clock.now()).total_seconds() <= 91


async def test_a_run_of_an_organisation_that_may_not_run_is_told_so_first(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    shop.enrol("acme", subscription=None)
    assert [why.reason for why in await explained(shop, run_id)] == ["SUBSCRIPTION_INACTIVE", "NEXT"]


async def test_a_completed_run_has_a_reason_too(shop: Workshop) -> None:
    run = await shop.do(ONE_STEP)
    assert [why.reason for why in await explained(shop, run.run_id)] == ["COMPLETED"]


async def test_every_reason_of_a_failure_names_who_can_mend_it_and_how(shop: Workshop) -> None:
    await shop.declare()
    for reason in Reason:
        run_id = await shop.submit()
        error = RunError(Code.INTERNAL, reason, "what happened", "only")
        await shop.journal.record(await shop.lease(), RunEnded(RunStatus.FAILED, error))
        (why,) = await explained(shop, run_id)
        assert (why.reason, why.message) == (reason.value, "what happened")
        assert why.owner in {"caller", "provider", "service"}
        assert why.remedy


async def test_an_end_without_an_error_is_explained_all_the_same(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    await shop.journal.record(await shop.lease(), RunEnded(RunStatus.QUARANTINED))
    assert [why.reason for why in await explained(shop, run_id)] == ["INTERNAL"]
