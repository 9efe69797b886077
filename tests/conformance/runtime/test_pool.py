"""The pool: how much runs at once, how soon, and that every slot comes back."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.fakes.clock import ManualClock
from tests.fakes.crowd import Crowd, Word, idle, submitted
from tests.fakes.shaky import ShakyDispatch
from tests.fakes.workshop import Workshop
from workers.model.lease import Lease
from workers.model.org import Subscription
from workers.model.run import RunStatus

pytestmark = pytest.mark.engine


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
    assert time.monotonic() - began < 5


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
        await clock.until_asleep(4)
        clock.advance(2)
    shaky.away = False
    await submitted(shop, 1)
    await crowd.arrivals(1)


@pytest.mark.parametrize(
    ("counts", "rest"),
    [({"acme": 1, "globex": 1, "initech": 1}, 0.003), ({"acme": 2, "globex": 1}, 0.002), ({"acme": 3}, 0.001)],
)
async def test_a_claim_for_many_organisations_waits_a_moment_for_company_and_one_for_a_single_one_hardly(
    shop: Workshop, counts: dict[str, int], rest: float
) -> None:
    crowd = Crowd(shop)
    for org, count in counts.items():
        await submitted(shop, count, org)
    clock = shop.clock = ManualClock()
    shop.start(crowd.run, slots=10)
    await crowd.arrivals(3)
    await clock.until_asleep(4)
    assert clock.next_wake == pytest.approx(rest)
    await submitted(shop, 1)
    clock.advance(rest)
    await crowd.arrivals(1)


@pytest.mark.promise("P13")
async def test_every_run_of_many_organisations_ends_and_every_slot_is_free_again(shop: Workshop) -> None:
    await shop.declare()
    ids = {org: await submitted(shop, 5, org) for org in ("acme", "globex", "initech")}
    pool = shop.start(slots=6)
    for org, runs in ids.items():
        for run_id in runs:
            assert (await shop.ended(run_id, org)).status is RunStatus.COMPLETED
    await idle(shop, pool)
    assert await shop.journal.sweep() == ()
