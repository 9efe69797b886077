"""What is checked before a run's first step, and which declaration it follows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from attrs import define, evolve

from tests.fakes.directory import OrgBook
from tests.fakes.shaky import AWAY, ShakyDispatch
from tests.fakes.workshop import ONE_STEP, Workshop, uninterrupted
from workers.model.failure import FailedError, Reason
from workers.model.org import Org, Subscription
from workers.model.page import Endpoint, Page, Read, Receipt
from workers.model.run import RunStatus
from workers.ports import StepContext, StepResult, Wiring
from workers.runtime.runner import waited

pytestmark = pytest.mark.engine

ENDED = Subscription("EXPIRED", "PRO", 10, 10, 1)


class AwayBook:
    """A directory that knows nobody at the moment."""

    async def org(self, _slug: str) -> Org | None:
        raise FailedError(AWAY)


@define
class LeavingBook:
    """A directory that knows everybody until it is away."""

    book: OrgBook
    away: bool = False

    async def org(self, slug: str) -> Org | None:
        if self.away:
            raise FailedError(AWAY)
        return await self.book.org(slug)


@pytest.mark.fault("F60")
async def test_a_run_whose_subscription_ended_while_it_waited_is_not_started(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    shop.enrol("acme", subscription=ENDED)
    run = await shop.go_on(run_id)
    assert (run.status, run.step("only").status, run.step("only").attempt) == (RunStatus.FAILED, "SKIPPED", 0)
    assert run.error is not None
    assert run.error.reason is Reason.SUBSCRIPTION_INACTIVE


TWO_STEPS = """\
steps:
  - {step_id: only, ps_type: lab.act}
  - {step_id: beside, ps_type: lab.act, depends_on: []}
  - {step_id: next, ps_type: lab.act, depends_on: only, on_failure: continue}
  - {step_id: told, ps_type: lab.act, trigger: on_failure}
"""


@pytest.mark.fault("F60")
async def test_a_run_whose_organisation_is_suspended_ends_its_steps_and_begins_no_other(shop: Workshop) -> None:
    async def suspended(_ctx: StepContext) -> StepResult:
        shop.enrol("acme", status="SUSPENDED")
        return StepResult(rows=3)

    run = await shop.do(TWO_STEPS, only=suspended)
    steps = {step.step_id: step.status for step in run.steps}
    assert steps == {"only": "COMPLETED", "beside": "COMPLETED", "next": "SKIPPED", "told": "COMPLETED"}
    assert run.error is not None
    assert (run.status, run.error.reason) == (RunStatus.FAILED, Reason.SUBSCRIPTION_INACTIVE)
    assert run.error.message == "no further step was started: the organisation is SUSPENDED, not ACTIVE"
    assert (await shop.journal.depth()).running == 0


@pytest.mark.fault("F60")
async def test_a_run_under_way_goes_on_while_the_directory_is_away(shop: Workshop) -> None:
    async def away(_ctx: StepContext) -> StepResult:
        book.away = True
        return StepResult()

    book = LeavingBook(shop.book)
    await shop.declare(TWO_STEPS)
    shop.parts["only"] = away
    run_id = await shop.submit()
    await shop.runner(directory=book).run(await shop.lease(), uninterrupted())
    assert (await shop.run(run_id)).status is RunStatus.COMPLETED


async def test_a_run_waits_for_a_directory_that_is_away(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    await shop.runner(directory=AwayBook()).run(await shop.lease(), uninterrupted())
    delay, _ = await shop.paused(run_id)
    assert ((await shop.run(run_id)).status, round(delay, -1)) == (RunStatus.PENDING, 60)


def waits(lane: str) -> float:
    """Count the waits that were noted for the class of lane."""
    buckets: list[Any] = waited.labels(lane, "api")._buckets
    return float(sum(bucket.get() for bucket in buckets))


async def test_the_wait_of_a_run_counts_once_for_the_class_of_its_lane(shop: Workshop) -> None:
    before = {lane: waits(lane) for lane in ("starter", "scale")}
    await shop.declare()
    shop.enrol("acme", subscription=Subscription("ACTIVE", "SCALE", 10, 10, 1, weight=4))
    run_id = await shop.submit()
    await shop.runner(directory=AwayBook(), away_seconds=0.0).run(await shop.lease(), uninterrupted())
    assert (await shop.go_on(run_id)).status is RunStatus.COMPLETED
    assert {lane: waits(lane) - count for lane, count in before.items()} == {"starter": 0, "scale": 1}


@pytest.mark.item("I133")
@pytest.mark.fault("F62")
async def test_a_run_follows_the_declaration_it_was_accepted_with(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    await shop.declare("steps: [{step_id: other, ps_type: lab.act}]")
    run = await shop.go_on(run_id)
    assert (run.status, [step.step_id for step in run.steps]) == (RunStatus.COMPLETED, ["only"])


@pytest.mark.fault("F62")
async def test_a_run_whose_pipeline_is_gone_follows_what_was_kept_of_it(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    (shop.folder / "lab/test/flow.yml").unlink()
    assert (await shop.go_on(run_id)).status is RunStatus.COMPLETED


@pytest.mark.item("I133")
async def test_a_declaration_that_fits_no_more_fails_the_run_saying_why(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    shop.acceptance()
    await shop.declare("steps: [{step_id: other, ps_type: lab.act}]")
    await shop.journal._room.workers._pool.execute(
        "UPDATE declaration SET source = 'steps: [{step_id: only, ps_type: lab.gone}]'"
    )
    run = await shop.go_on(run_id)
    assert run.error is not None
    assert run.error.reason is Reason.CONFIG_INVALID
    assert "lab.gone" in run.error.message


async def test_a_declaration_that_is_not_kept_fails_the_run(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    await shop.declare("steps: [{step_id: other, ps_type: lab.act}]")
    await shop.journal._room.workers._pool.execute("DELETE FROM declaration")
    run = await shop.go_on(run_id)
    assert run.error is not None
    assert (run.status, run.error.reason) == (RunStatus.FAILED, Reason.CONFIG_INVALID)


async def test_a_declaration_that_cannot_be_read_now_is_asked_for_later(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    await shop.declare("steps: [{step_id: other, ps_type: lab.act}]")
    shaky = ShakyDispatch(shop.journal)
    runner = evolve(shop.runner(), dispatch=shaky)
    lease = await shop.lease()
    shaky.away = True
    going = shop.supervisor.spawn(runner.run(lease, uninterrupted()))
    await shaky.refused.acquire()
    await shaky.refused.acquire()
    shaky.away = False
    await going
    assert (await shop.run(run_id)).status is RunStatus.PENDING


async def test_a_fault_of_the_service_fails_the_run_and_not_its_worker(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()

    def broken(_org: str) -> str:
        raise KeyError("a fault of this service")

    await shop.runner(dataset=broken).run(await shop.lease(), uninterrupted())
    run = await shop.run(run_id)
    assert run.error is not None
    assert (run.status, run.error.reason) == (RunStatus.FAILED, Reason.INTERNAL)
    assert "fault of this" not in run.error.message


async def test_a_step_knows_the_days_parameters_and_names_of_its_run(shop: Workshop) -> None:
    seen: list[StepContext] = []

    async def look(ctx: StepContext) -> StepResult:
        seen.append(ctx)
        return StepResult()

    await shop.declare(
        "variables: {where: 'x_{region}'}\nparameters: {region: {type: string, required: true}}\n" + ONE_STEP
    )
    shop.parts["only"] = look
    run_id = await shop.submit(region="eu", date="2025-01-02", force_refresh=True)
    await shop.go_on(run_id)
    (ctx,) = seen
    assert (ctx.org, ctx.run_id, ctx.force_refresh) == ("acme", run_id, True)
    assert [day.isoformat() for day in ctx.window] == ["2025-01-02"]
    assert (ctx.variables["where"], ctx.variables["pipeline_id"]) == ("x_eu", "acme-lab-test-flow")


async def test_a_step_writes_on_the_authority_of_its_own_lease(shop: Workshop) -> None:
    seen: list[object] = []

    async def look(ctx: StepContext) -> StepResult:
        seen.append(ctx.warehouse)
        return StepResult()

    await shop.declare()
    shop.parts["only"] = look
    run_id = await shop.submit()
    lease = await shop.lease()
    await shop.runner().run(lease, uninterrupted())
    (authority,) = seen
    assert (authority.org, authority.dataset, authority.run_id) == ("acme", "acme_local", run_id)  # type: ignore[attr-defined]
    assert (authority.fence, authority.run_seq) == (lease.fence, lease.run_seq)  # type: ignore[attr-defined]


class CountingReader:
    """Opens readings of two empty pages, and counts them."""

    def __init__(self) -> None:
        self.opened = self.closed = 0

    @asynccontextmanager
    async def open(self, _wiring: Wiring) -> AsyncIterator[CountingReader]:
        self.opened += 1
        yield self
        self.closed += 1

    async def pages(self, _read: Read) -> AsyncIterator[Page]:
        for number in (1, 2):
            yield Page((), Receipt("https://p/x", number, 0, 2, "5ha"))


@pytest.mark.parametrize("reads", [0, 1, 3])
async def test_a_step_opens_a_session_only_when_it_reads_and_only_one(shop: Workshop, reads: int) -> None:
    reader: Any = CountingReader()
    shop.reader = reader

    async def count(ctx: StepContext, read: Read) -> int:
        return len([page async for page in ctx.reading.pages(read)])

    async def work(ctx: StepContext) -> StepResult:
        read = Read(Endpoint("P", "https://p"), "/x")
        return StepResult(rows=sum(await asyncio.gather(*(count(ctx, read) for _ in range(reads)))))

    run = await shop.do(ONE_STEP, only=work)
    assert (run.status, run.step("only").rows) == (RunStatus.COMPLETED, 2 * reads)
    assert (reader.opened, reader.closed) == ((1, 1) if reads else (0, 0))


async def test_a_trace_id_that_is_none_costs_nothing(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    lease = await shop.lease()
    await shop.runner().run(evolve(lease, run=evolve(lease.run, trace_id="no trace")), uninterrupted())
    assert (await shop.run(run_id)).status is RunStatus.COMPLETED
