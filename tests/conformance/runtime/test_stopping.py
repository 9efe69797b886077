"""How a pool stops: what it waits for, what it gives back, and when."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.fakes.crowd import Crowd, submitted
from tests.fakes.shaky import ShakyDispatch
from tests.fakes.workshop import Workshop, for_ever
from workers.model.run import EventType, RunStatus
from workers.ports import StepContext, StepResult

pytestmark = pytest.mark.engine


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


@pytest.mark.fault("F31")
@pytest.mark.promise("P9")
async def test_a_stop_gives_back_what_does_not_end_with_its_attempt_restored(shop: Workshop) -> None:
    await shop.declare()
    shop.parts["only"] = for_ever
    pool = shop.start()
    run_id = await shop.submit()
    await shop.seen(run_id, EventType.STEP_STARTED, "only")
    began = time.monotonic()
    assert await pool.stop(0.3, asyncio.Event()) == 1
    assert time.monotonic() - began < 5
    run = await shop.run(run_id)
    assert (run.status, run.attempt) == (RunStatus.PENDING, 0)
    assert (await shop.lease("w2")).run.attempt == 1


@pytest.mark.fault("F32")
@pytest.mark.promise("P9", "P13")
async def test_a_hurried_stop_gives_leases_back_at_once(shop: Workshop) -> None:
    await shop.declare()
    shop.parts["only"] = for_ever
    pool, hurry = shop.start(), asyncio.Event()
    run_id = await shop.submit()
    await shop.seen(run_id, EventType.STEP_STARTED, "only")
    hurry.set()
    began = time.monotonic()
    assert await pool.stop(600, hurry) == 1
    assert time.monotonic() - began < 5


@pytest.mark.fault("F31")
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


@pytest.mark.fault("F28")
@pytest.mark.promise("P9")
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
