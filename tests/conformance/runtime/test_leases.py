"""Whose lease it is: cancellations, lost leases and heartbeats that do not come through."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.fakes.clock import ManualClock
from tests.fakes.crowd import Crowd, idle, submitted
from tests.fakes.shaky import ShakyDispatch
from tests.fakes.workshop import Workshop, for_ever
from workers.model.run import EventType, RunStatus
from workers.runtime.holdings import Interruption

pytestmark = pytest.mark.engine


@pytest.mark.promise("P7")
async def test_a_cancel_reaches_the_run_within_two_heartbeats(shop: Workshop) -> None:
    await shop.declare()
    shop.parts["only"] = for_ever
    shop.start(heartbeat_seconds=0.1)
    run_id = await shop.submit()
    await shop.seen(run_id, EventType.STEP_STARTED, "only")
    began = time.monotonic()
    await shop.journal.cancel("acme", run_id)
    assert (await shop.ended(run_id)).status is RunStatus.CANCELLED
    assert time.monotonic() - began < 5


@pytest.mark.fault("F10")
@pytest.mark.promise("P3")
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


@pytest.mark.fault("F12")
@pytest.mark.promise("P3")
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
        await clock.until_asleep(2)
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
        await clock.until_asleep(3)
        clock.advance(11)
        await shaky.beats.acquire()
        await shop.journal.ping()
        await clock.until_asleep(3)
    assert not crowd.words[run_id].done()
