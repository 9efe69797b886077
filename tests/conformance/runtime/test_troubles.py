"""What is wrong outside costs its own run at most: the slot is given back, the reason is seen, the lane goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from attrs import define

from server.clock import SystemClock
from tests.conformance.warehouse.test_faults import failed_job
from tests.fakes import hostile_provider as hostile
from tests.fakes.bigquery_proxy import BigQueryProxy, Fault, google_error
from tests.fakes.hostile_provider import Behaviour, HostileProvider
from tests.fakes.workshop import Workshop, uninterrupted
from tests.plugins.warehouse_desk import FACTS, FIRST, WINDOW, Desk, facts
from workers.model.failure import Reason
from workers.model.page import Endpoint, Limits, Read
from workers.model.run import Run, RunStatus
from workers.ports import StepContext, StepResult
from workers.rest import Egress, RestReader, Timeouts

pytestmark = pytest.mark.engine

ONCE = "steps: [{step_id: only, ps_type: lab.act, retry: {max_attempts: 1}}]"
GOOD = hostile.rows({"id": 1})
OOPS = hostile.answer(status="500 Oops")
NOT_YOU = hostile.answer(b"{}", "401 Unauthorized")


def later(text: str) -> Behaviour:
    return hostile.answer(status="429 Slow down", Retry_After=text)


@define
class Counter:
    """A runtime whose step reads a provider of whom everything can be had."""

    shop: Workshop
    provider: HostileProvider

    async def read(self, ctx: StepContext) -> StepResult:
        limits = Limits(request_seconds=5)
        read = Read(Endpoint("P", self.provider.url, limits=limits), "/rows", data_path="data")
        return StepResult(rows=sum([len(page.rows) async for page in ctx.reading.pages(read)]))

    async def run(self, *behaviours: Behaviour) -> Run:
        self.provider.script("/rows", *behaviours)
        return await self.shop.do(ONCE, only=self.read)


@pytest.fixture
async def counter(shop: Workshop) -> AsyncIterator[Counter]:
    async with HostileProvider() as provider:
        egress, hasty = Egress.parse(f"127.0.0.1:{provider.port}"), Timeouts(connect=5, read=0.1)
        shop.reader = RestReader(egress, SystemClock(), lambda: 0.01, timeouts=hasty)
        yield Counter(shop, provider)
        shop.reader.close()


async def waiting(shop: Workshop, run: Run) -> tuple[float, str]:
    """The run waits for a time, holds no slot, and the next one of its organisation is done meanwhile."""
    wait = await shop.paused(run.run_id, run.org_slug)
    assert (run.status, run.attempt, (await shop.journal.depth()).running) == (RunStatus.PENDING, 0, 0)
    assert (await shop.do("steps: [{step_id: other, ps_type: lab.act}]")).status is RunStatus.COMPLETED
    return wait


async def over(shop: Workshop, run: Run, reason: Reason) -> None:
    """The run failed for the reason, and the lane goes on."""
    assert run.error is not None
    assert (run.status, run.error.reason, run.step("only").attempt) == (RunStatus.FAILED, reason, 1)
    assert (await shop.journal.depth()).running == 0
    assert (await shop.do("steps: [{step_id: other, ps_type: lab.act}]")).status is RunStatus.COMPLETED


@pytest.mark.promise("P13")
@pytest.mark.fault("F40")
@pytest.mark.parametrize(("text", "delay"), [("600", 600), ("1000000000", 3600)])
async def test_a_run_that_is_told_to_come_back_waits_without_a_slot(counter: Counter, text: str, delay: int) -> None:
    wait, why = await waiting(counter.shop, await counter.run(later(text)))
    assert round(wait, -1) == delay
    assert why == f"waiting to try again: 127.0.0.1:{counter.provider.port}"


@pytest.mark.fault("F41")
async def test_a_run_whose_provider_fails_for_a_while_ends_as_if_it_had_not(counter: Counter) -> None:
    run = await counter.run(OOPS, hostile.answer(status="503 Busy"), GOOD)
    assert (run.status, run.step("only").rows) == (RunStatus.COMPLETED, 1)


@pytest.mark.promise("P13")
@pytest.mark.fault("F42")
@pytest.mark.parametrize("behaviour", [hostile.hang, hostile.half_head, hostile.hang_in_body])
async def test_a_run_whose_provider_hangs_gives_its_slot_back(counter: Counter, behaviour: Behaviour) -> None:
    run = await counter.run(behaviour)
    await over(counter.shop, run, Reason.PROVIDER_UNAVAILABLE)
    assert len(counter.provider.heard) == 3


@pytest.mark.fault("F46")
async def test_a_run_whose_credential_is_revoked_ends_at_once_and_blocks_nobody(counter: Counter) -> None:
    run = await counter.run(NOT_YOU)
    await over(counter.shop, run, Reason.PROVIDER_AUTH)
    assert len(counter.provider.heard) == 1


STREAMED = failed_job(
    "invalidQuery", "UPDATE or DELETE statement over table t would affect rows in the streaming buffer"
)
USED_UP = google_error(403, "quotaExceeded", "said by the server")


@pytest.mark.promise("P13")
@pytest.mark.parametrize(
    ("status", "body", "delay", "why"),
    [
        pytest.param(403, USED_UP, 3600, "quota of the day is used up", marks=pytest.mark.fault("F51"), id="quota"),
        pytest.param(200, STREAMED, 5400, "rows streamed lately", marks=pytest.mark.fault("F56"), id="streamed"),
    ],
)
async def test_a_run_that_bigquery_keeps_waiting_says_so_and_waits_without_a_slot(
    shop: Workshop, faulty: Desk, proxy: BigQueryProxy, status: int, body: Any, delay: int, why: str
) -> None:
    async def write(ctx: StepContext) -> StepResult:
        await ctx.warehouse.ensure(FACTS)
        proxy.fail(Fault(job="query", status=status, body=body, times=None))
        async with ctx.warehouse.restate(FACTS, WINDOW) as load:
            await load.write(facts(FIRST, 3))
            return StepResult((await load.publish()).rows)

    real: Any = faulty.warehouses
    shop.warehouses = real
    await shop.declare(ONCE)
    shop.parts["only"] = write
    run_id = await shop.submit()
    await shop.runner(dataset=lambda _org: faulty.dataset).run(await shop.lease(), uninterrupted())
    submitted = [seen for seen in proxy.seen if seen.job == "query"]
    wait, said = await waiting(shop, await shop.run(run_id))
    assert (round(wait, -2), len(submitted)) == (delay, 1)
    assert why in said
    proxy.heal()
    assert await faulty.counts() == {}
