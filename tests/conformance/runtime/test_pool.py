"""The pool: how much runs at once, how soon, whose lease it is, and how it stops."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from tests.fakes.clock import ManualClock
from tests.fakes.shaky import ShakyDispatch
from tests.fakes.until import until
from tests.fakes.workshop import Workshop, for_ever
from workers.model.lease import Lease, RunEnded
from workers.model.org import Subscription
from workers.model.run import EventType, RunStatus
from workers.ports import StepContext, StepResult
from workers.runtime.holdings import Interruption
from workers.runtime.pool import Pool

pytestmark = pytest.mark.engine

Word = asyncio.Future[Interruption]


class Crowd:
    """Runs that say when they are here and stay until they are let go; the most that were here at once is kept."""

    def __init__(self, shop: Workshop) -> None:
        self._journal = shop.journal
        self.here: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.most_in_all = 0
        self.arrived = asyncio.Semaphore(0)
        self.words: dict[UUID, Word] = {}
        self.let_go = asyncio.Event()

    async def run(self, lease: Lease, word: Word) -> None:
        org = lease.run.org_slug
        self.words[lease.run.run_id] = word
        self.here[org] += 1
        self.most[org] = max(self.most[org], self.here[org])
        self.most_in_all = max(self.most_in_all, self.here.total())
        self.arrived.release()
        let_go = asyncio.get_running_loop().create_task(self.let_go.wait())
        ends: set[asyncio.Future[Any]] = {let_go, word}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        let_go.cancel()
        self.here[org] -= 1
        if not word.done():
            await self._journal.record(lease, RunEnded(RunStatus.COMPLETED))

    async def arrivals(self, count: int) -> None:
        async with asyncio.timeout(10):
            for _ in range(count):
                await self.arrived.acquire()


async def submitted(shop: Workshop, count: int, org: str = "acme") -> list[UUID]:
    if not (shop.folder / "lab").exists():
        await shop.declare()
    return [await shop.submit(org) for _ in range(count)]


async def idle(shop: Workshop, pool: Pool) -> None:
    async def nothing_is_held() -> bool:
        return not pool.held and not (await shop.journal.depth()).running

    await until(nothing_is_held, pause=0)


async def test_no_more_runs_are_here_at_once_than_there_are_slots(shop: Workshop) -> None:
    crowd = Crowd(shop)
    ids = await submitted(shop, 5)
    pool = shop.start(crowd.run, slots=3)
    await crowd.arrivals(3)
    assert (crowd.most_in_all, pool.held, (await shop.journal.depth()).waiting) == (3, 3, 2)
    crowd.let_go.set()
    for run_id in ids:
        assert (await shop.ended(run_id)).status is RunStatus.COMPLETED
    assert crowd.most_in_all == 3


async def test_an_organisation_has_no_more_runs_at_once_than_its_subscription_allows(shop: Workshop) -> None:
    crowd = Crowd(shop)
    shop.enrol("acme", subscription=Subscription("ACTIVE", "STARTER", 100, 1000, 2))
    await submitted(shop, 4, "acme")
    await submitted(shop, 3, "other")
    shop.start(crowd.run, slots=10)
    await crowd.arrivals(5)
    assert (crowd.here["acme"], crowd.here["other"]) == (2, 3)
    crowd.let_go.set()
    await crowd.arrivals(2)
    assert crowd.most == {"acme": 2, "other": 3}


async def test_an_idle_worker_starts_a_new_run_long_before_its_next_poll(shop: Workshop) -> None:
    crowd = Crowd(shop)
    shop.start(crowd.run, shortest_poll=30.0, longest_poll=30.0)
    await submitted(shop, 1)
    await crowd.arrivals(1)
    began = time.monotonic()
    await shop.submit()
    await crowd.arrivals(1)
    assert time.monotonic() - began < 1


async def test_a_freed_slot_is_filled_at_once(shop: Workshop) -> None:
    crowd = Crowd(shop)
    await submitted(shop, 2)
    shop.start(crowd.run, slots=1, shortest_poll=30.0, longest_poll=30.0)
    await crowd.arrivals(1)
    crowd.let_go.set()
    await crowd.arrivals(1)


async def test_work_that_came_without_a_ring_is_found_by_polling(shop: Workshop) -> None:
    crowd = Crowd(shop)
    shaky = shop.dispatch = ShakyDispatch(shop.journal)
    shaky.mute = True
    shop.start(crowd.run)
    await shaky.claimed.acquire()
    await submitted(shop, 1)
    await crowd.arrivals(1)


async def test_a_worker_that_crashes_gives_its_slot_back_and_comes_back(shop: Workshop) -> None:
    crashes = asyncio.Semaphore(0)

    async def crash(_lease: Lease, _word: Word) -> None:
        crashes.release()
        raise RuntimeError("a fault of this service")

    await submitted(shop, 3)
    pool = shop.start(crash, slots=1)
    async with asyncio.timeout(10):
        for _ in range(3):
            await crashes.acquire()
    assert pool.held <= 1
    assert shop.supervisor.down == frozenset()


async def test_a_journal_that_is_away_for_long_stops_no_actor(shop: Workshop) -> None:
    clock = shop.clock = ManualClock()
    shaky = shop.dispatch = ShakyDispatch(shop.journal)
    crowd = Crowd(shop)
    shaky.away = True
    shop.start(crowd.run)
    for _ in range(20):
        await shaky.refused.acquire()
        await clock.until_asleep(3)
        clock.advance(2)
    shaky.away = False
    await submitted(shop, 1)
    await crowd.arrivals(1)


async def test_a_cancel_reaches_the_run_within_two_heartbeats(shop: Workshop) -> None:
    await shop.declare()
    shop.parts["only"] = for_ever
    shop.start(heartbeat_seconds=0.1)
    run_id = await shop.submit()
    await shop.seen(run_id, EventType.STEP_STARTED, "only")
    began = time.monotonic()
    await shop.journal.cancel("acme", run_id)
    assert (await shop.ended(run_id)).status is RunStatus.CANCELLED
    assert time.monotonic() - began < 1


async def test_a_lease_that_another_has_interrupts_the_run_and_nothing_is_written(shop: Workshop) -> None:
    crowd = Crowd(shop)
    (run_id,) = await submitted(shop, 1)
    shop.start(crowd.run, slots=1, heartbeat_seconds=0.05)
    await crowd.arrivals(1)
    await shop.journal.release("w1")
    async with asyncio.timeout(5):
        assert await crowd.words[run_id] is Interruption.LOST


async def test_a_run_that_comes_back_to_the_same_pool_is_held_anew(shop: Workshop) -> None:
    crowd = Crowd(shop)
    (run_id,) = await submitted(shop, 1)
    pool = shop.start(crowd.run, slots=3)
    await crowd.arrivals(1)
    first = crowd.words[run_id]
    await shop.journal.release("w1")
    await crowd.arrivals(1)
    assert await first is Interruption.LOST
    assert not crowd.words[run_id].done()
    crowd.let_go.set()
    assert (await shop.ended(run_id)).status is RunStatus.COMPLETED
    await idle(shop, pool)


async def test_a_heartbeat_that_hangs_stops_the_run_at_four_fifths_of_its_lease(shop: Workshop) -> None:
    clock = shop.clock = ManualClock()
    shaky = shop.dispatch = ShakyDispatch(shop.journal)
    crowd = Crowd(shop)
    (run_id,) = await submitted(shop, 1)
    shaky.answering.clear()
    shop.start(crowd.run, slots=1, lease_seconds=30, heartbeat_seconds=10)
    await crowd.arrivals(1)
    word = crowd.words[run_id]
    lost_at = None
    while lost_at is None and clock.monotonic() < 40:
        clock.advance(1)
        await clock.until_asleep(1)
        await asyncio.sleep(0)
        lost_at = clock.monotonic() if word.done() else None
    assert lost_at is not None
    assert 24 <= lost_at <= 26
    assert word.result() is Interruption.LOST


async def test_renewed_leases_are_kept_for_as_long_as_it_takes(shop: Workshop) -> None:
    clock = shop.clock = ManualClock()
    shaky = shop.dispatch = ShakyDispatch(shop.journal)
    crowd = Crowd(shop)
    (run_id,) = await submitted(shop, 1)
    shop.start(crowd.run, slots=1, lease_seconds=30, heartbeat_seconds=10)
    await crowd.arrivals(1)
    for _ in range(9):
        await clock.until_asleep(2)
        clock.advance(11)
        await shaky.beats.acquire()
        await shop.journal.ping()
        await clock.until_asleep(2)
    assert not crowd.words[run_id].done()


async def test_a_stop_waits_for_runs_that_end_in_time(shop: Workshop) -> None:
    crowd = Crowd(shop)
    (run_id,) = await submitted(shop, 1)
    pool = shop.start(crowd.run)
    await crowd.arrivals(1)
    stopping = asyncio.get_running_loop().create_task(pool.stop(10, asyncio.Event()))
    await asyncio.sleep(0)
    crowd.let_go.set()
    assert await stopping == 0
    assert (await shop.run(run_id)).status is RunStatus.COMPLETED


async def test_a_stop_gives_back_what_does_not_end_with_its_attempt_restored(shop: Workshop) -> None:
    await shop.declare()
    shop.parts["only"] = for_ever
    pool = shop.start()
    run_id = await shop.submit()
    await shop.seen(run_id, EventType.STEP_STARTED, "only")
    began = time.monotonic()
    assert await pool.stop(0.3, asyncio.Event()) == 1
    assert time.monotonic() - began < 2
    run = await shop.run(run_id)
    assert (run.status, run.attempt) == (RunStatus.PENDING, 0)
    assert (await shop.lease("w2")).run.attempt == 1


async def test_a_hurried_stop_gives_leases_back_at_once(shop: Workshop) -> None:
    await shop.declare()
    shop.parts["only"] = for_ever
    pool, hurry = shop.start(), asyncio.Event()
    run_id = await shop.submit()
    await shop.seen(run_id, EventType.STEP_STARTED, "only")
    hurry.set()
    began = time.monotonic()
    assert await pool.stop(600, hurry) == 1
    assert time.monotonic() - began < 2


async def test_nothing_is_claimed_after_a_stop_has_begun(shop: Workshop) -> None:
    crowd = Crowd(shop)
    pool = shop.start(crowd.run)
    await pool.stop(0.1, asyncio.Event())
    await submitted(shop, 1)
    assert (await shop.journal.depth()).waiting == 1
    assert crowd.most_in_all == 0


async def test_a_stop_while_the_journal_is_away_ends_all_the_same(shop: Workshop) -> None:
    shaky = shop.dispatch = ShakyDispatch(shop.journal)
    crowd = Crowd(shop)
    await submitted(shop, 1)
    pool = shop.start(crowd.run)
    await crowd.arrivals(1)
    shaky.away = True
    assert await pool.stop(0.1, asyncio.Event()) == 0


async def test_a_deaf_step_does_not_hold_up_a_stop(shop: Workshop) -> None:
    released = asyncio.Event()

    async def deaf(_ctx: StepContext) -> StepResult:
        while not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue
        return StepResult()

    await shop.declare()
    shop.parts["only"] = deaf
    pool = shop.start()
    run_id = await shop.submit()
    await shop.seen(run_id, EventType.STEP_STARTED, "only")
    assert await pool.stop(0.2, asyncio.Event()) == 1
    await shop.supervisor.stop()
    released.set()
    assert (await shop.run(run_id)).status is RunStatus.PENDING


async def test_every_run_of_many_organisations_ends_and_every_slot_is_free_again(shop: Workshop) -> None:
    await shop.declare()
    ids = {org: await submitted(shop, 5, org) for org in ("acme", "globex", "initech")}
    pool = shop.start(slots=6)
    for org, runs in ids.items():
        for run_id in runs:
            assert (await shop.ended(run_id, org)).status is RunStatus.COMPLETED
    await idle(shop, pool)
    assert await shop.journal.sweep() == ()
