"""A run that is cancelled, lost, stopped or out of time: what becomes of it, and of what its steps are doing."""

from __future__ import annotations

import asyncio

import pytest
from attrs import define, evolve, field

from tests.fakes.shaky import ShakyDispatch
from tests.fakes.workshop import ONE_STEP, Workshop, uninterrupted
from workers.model.failure import Reason
from workers.model.lease import Lease
from workers.model.run import EventType, Run, RunStatus
from workers.ports import StepContext, StepResult
from workers.runtime.holdings import Interruption

pytestmark = pytest.mark.engine

TWO = "steps: [{step_id: a, ps_type: lab.act, depends_on: []}, {step_id: b, ps_type: lab.act, depends_on: []}]"


@define(eq=False)
class Hanging:
    """A step that tells when it has begun and whether it was cancelled, and ends when it is let go."""

    deaf: bool = False
    begun: asyncio.Event = field(factory=asyncio.Event)
    heard: asyncio.Event = field(factory=asyncio.Event)
    let_go: asyncio.Event = field(factory=asyncio.Event)

    async def __call__(self, _ctx: StepContext) -> StepResult:
        self.begun.set()
        while not self.let_go.is_set():
            try:
                await self.let_go.wait()
            except asyncio.CancelledError:
                self.heard.set()
                if not self.deaf:
                    raise
        return StepResult(rows=9)


class Underway:
    """A run whose only step hangs, with the word that interrupts it."""

    def __init__(self, shop: Workshop, lease: Lease, step: Hanging) -> None:
        self.shop = shop
        self.lease = lease
        self.step = step
        self.interrupted = uninterrupted()
        self.task = shop.supervisor.spawn(shop.runner().run(lease, self.interrupted))

    async def after(self, why: Interruption) -> Run:
        self.interrupted.set_result(why)
        await self.task
        return await self.shop.run(self.lease.run.run_id)


async def underway(shop: Workshop, text: str = ONE_STEP, *, deaf: bool = False, name: str = "only") -> Underway:
    await shop.declare(text)
    step = shop.parts[name] = Hanging(deaf)
    await shop.submit()
    found = Underway(shop, await shop.lease(), step)
    await step.begun.wait()
    await shop.seen(found.lease.run.run_id, EventType.STEP_STARTED, name)
    return found


async def test_a_cancelled_run_ends_cancelled_and_its_step_hears_of_it(shop: Workshop) -> None:
    going = await underway(shop)
    await shop.journal.cancel("acme", going.lease.run.run_id)
    run = await going.after(Interruption.CANCEL)
    assert going.step.heard.is_set()
    assert (run.status, run.step("only").status) == (RunStatus.CANCELLED, "CANCELLED")
    assert run.error is not None
    assert run.error.reason is Reason.CANCELLED


async def test_a_run_that_was_cancelled_before_it_was_taken_up_again_does_nothing(shop: Workshop) -> None:
    going = await underway(shop)
    await shop.journal.cancel("acme", going.lease.run.run_id)
    await going.after(Interruption.STOPPING)
    await shop.journal.release("w1")
    shop.parts["only"] = _never
    run = await shop.go_on(going.lease.run.run_id)
    assert (run.status, run.step("only").status) == (RunStatus.CANCELLED, "CANCELLED")


async def _never(_ctx: StepContext) -> StepResult:
    raise AssertionError("nothing may start")


async def test_a_cancelled_run_ends_even_when_its_organisation_cannot_be_looked_up(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    lease = await shop.lease()
    await shop.journal.cancel("acme", run_id)
    shop.book.orgs.clear()
    await shop.runner().run(evolve(lease, run=await shop.run(run_id)), uninterrupted())
    assert (await shop.run(run_id)).status is RunStatus.CANCELLED


async def test_after_a_lost_lease_nothing_is_written_and_the_step_is_stopped(shop: Workshop) -> None:
    going = await underway(shop)
    before = await shop.events(going.lease.run.run_id)
    run = await going.after(Interruption.LOST)
    assert going.step.heard.is_set()
    assert (run.status, await shop.events(run.run_id)) == (RunStatus.RUNNING, before)


async def test_a_lease_found_lost_by_a_write_stops_the_steps_beside(shop: Workshop) -> None:
    going = await underway(shop, TWO, name="a")
    await shop.seen(going.lease.run.run_id, EventType.STEP_FINISHED, "b")
    await shop.journal.release("w1")
    newer = await shop.lease("w2")
    going.step.let_go.set()
    await going.task
    assert newer.fence > going.lease.fence
    assert (await shop.run(newer.run.run_id)).step("a").status == "RUNNING"


async def test_a_step_that_writes_with_an_old_fence_takes_the_others_down_with_it(shop: Workshop) -> None:
    hanging = Hanging()

    async def late(ctx: StepContext) -> StepResult:
        await hanging.begun.wait()
        await shop.journal.release("w1")
        await shop.journal.claim("w2", 1)
        await ctx.message("too late")
        return StepResult()

    await shop.declare(TWO)
    shop.parts |= {"a": hanging, "b": late}
    await shop.submit()
    await shop.runner().run(await shop.lease(), uninterrupted())
    assert hanging.heard.is_set()


async def test_a_stop_keeps_what_is_finished_and_leaves_the_run_to_another(shop: Workshop) -> None:
    going = await underway(shop, TWO, name="a")
    await shop.seen(going.lease.run.run_id, EventType.STEP_FINISHED, "b")
    run = await going.after(Interruption.STOPPING)
    assert (run.status, run.step("a").status, run.step("b").status) == (RunStatus.RUNNING, "RUNNING", "COMPLETED")
    await shop.journal.release("w1")
    assert (await shop.run(run.run_id)).attempt == 0


@pytest.mark.fault("F28")
@pytest.mark.promise("P3")
async def test_a_step_that_ignores_its_cancellation_is_left_behind(shop: Workshop) -> None:
    going = await underway(shop, deaf=True)
    await shop.journal.cancel("acme", going.lease.run.run_id)
    run = await going.after(Interruption.CANCEL)
    assert (run.status, run.step("only").status) == (RunStatus.CANCELLED, "CANCELLED")
    going.step.let_go.set()
    assert (await shop.run(run.run_id)).step("only").rows == 0


async def test_a_timeout_gives_way_to_a_cancel_that_came_first(shop: Workshop) -> None:
    going = await underway(shop)
    await shop.journal.cancel("acme", going.lease.run.run_id)
    run = await going.after(Interruption.TIMEOUT)
    assert run.status is RunStatus.CANCELLED


async def test_a_journal_that_is_away_while_a_step_ends_is_waited_for(shop: Workshop) -> None:
    shop.dispatch = shaky = ShakyDispatch(shop.journal)
    going = await underway(shop)
    shaky.away = True
    going.step.let_go.set()
    await shaky.refused.acquire()
    await shaky.refused.acquire()
    shaky.away = False
    await going.task
    run = await shop.run(going.lease.run.run_id)
    assert (run.status, run.step("only").rows) == (RunStatus.COMPLETED, 9)


async def test_a_journal_that_stays_away_is_waited_for_no_longer_than_the_lease_holds(shop: Workshop) -> None:
    shop.dispatch = shaky = ShakyDispatch(shop.journal)
    going = await underway(shop)
    shaky.away = True
    going.step.let_go.set()
    await shaky.refused.acquire()
    run = await going.after(Interruption.LOST)
    assert run.status is RunStatus.RUNNING
