"""Whose problem the end of a run is and whether a retry can help, told from a real journal."""

from __future__ import annotations

import pytest

from tests.fakes.explained import explained, names, pool_of
from tests.fakes.workshop import ONE_STEP, Workshop
from workers.model.explanation import Owner, Retry, Why
from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.lease import RunEnded
from workers.model.run import RunError, RunStatus
from workers.ports import StepContext, StepResult

pytestmark = pytest.mark.engine

ERROR = RunError(Code.PERMISSION_DENIED, Reason.PROVIDER_AUTH, "answered 401", "only")
RETRIED_LATER = """
    INSERT INTO occurrence (schedule_id, org, due_at, state, late, why, run_ids, retry_at, priority, decided_at)
    VALUES (gen_random_uuid(), 'acme', now(), 'FIRED', false, '', ARRAY[$1::uuid], now() + interval '1 minute',
        100, now())
"""


async def test_a_completed_run_has_a_reason_too(shop: Workshop) -> None:
    run = await shop.do(ONE_STEP)
    assert [why.reason for why in await explained(shop, run.run_id)] == ["COMPLETED"]


async def test_steps_that_failed_were_skipped_or_cancelled_are_told_beside_the_end(shop: Workshop) -> None:
    async def refused(_ctx: StepContext) -> StepResult:
        raise FailedError(Failure(Code.FAILED_PRECONDITION, Reason.PROVIDER_REFUSED, "answered 404"))

    steps = "{step_id: a, ps_type: lab.act, on_failure: continue}, {step_id: b, ps_type: lab.act, enabled: false}"
    run = await shop.do(f"steps: [{steps}]", a=refused)
    completed, failed, skipped = await explained(shop, run.run_id)
    assert (completed.reason, completed.retry) == (Why.COMPLETED, Retry.NO)
    assert (failed.reason, failed.step, failed.owner, failed.retry) == (
        Reason.PROVIDER_REFUSED,
        "a",
        Owner.CALLER,
        Retry.NEW_RUN,
    )
    assert (skipped.reason, "b" in skipped.message) == (Why.STEPS_SKIPPED, True)


async def test_a_run_that_was_cancelled_before_it_began_says_so(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    await shop.journal.cancel("acme", run_id)
    cancelled, steps = await explained(shop, run_id)
    assert (cancelled.reason, cancelled.owner, cancelled.retry) == (Reason.CANCELLED, Owner.CALLER, Retry.NOW)
    assert "before it began" in cancelled.message
    assert steps.reason == Why.STEPS_CANCELLED


async def test_a_failed_run_names_the_run_that_retries_it(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    await shop.journal.record(await shop.lease(), RunEnded(RunStatus.FAILED, ERROR))
    again = await shop.acceptance().retry("acme", run_id, "")
    first = (await explained(shop, run_id))[0]
    assert (first.reason, first.run_ids, first.retry) == (Why.RETRIED, (again.run_id,), Retry.NO)
    await shop.journal.cancel("acme", again.run_id)
    assert (await names(shop, run_id))[0] == Reason.PROVIDER_AUTH


async def test_a_run_that_its_schedule_retries_says_when(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    await shop.journal.record(await shop.lease(), RunEnded(RunStatus.FAILED, ERROR))
    await pool_of(shop).execute(RETRIED_LATER, run_id)
    first = (await explained(shop, run_id))[0]
    assert (first.reason, first.retry) == (Why.RETRY_SCHEDULED, Retry.LATER)
    assert first.until is not None
    assert 50 < (first.until - shop.clock.now()).total_seconds() <= 61


@pytest.mark.parametrize("reason", [Reason.PROVIDER_RATE_LIMIT, Reason.WAREHOUSE_QUOTA, Reason.SERVICE_UNAVAILABLE])
async def test_what_passes_by_itself_is_retried_later_and_once_that_has_come_now(
    shop: Workshop, reason: Reason
) -> None:
    await shop.declare()
    run_id = await shop.submit()
    error = RunError(Code.UNAVAILABLE, reason, "away")
    await shop.journal.record(await shop.lease(), RunEnded(RunStatus.FAILED, error))
    later = (await explained(shop, run_id))[0]
    assert (later.retry, later.until is not None) == (Retry.LATER, True)
    await pool_of(shop).execute("UPDATE run SET end_time = end_time - interval '1 day'")
    now = (await explained(shop, run_id))[0]
    assert (now.retry, now.until) == (Retry.NOW, None)


@pytest.mark.parametrize("reason", Reason)
async def test_every_reason_of_a_failure_names_who_can_mend_it_and_how(shop: Workshop, reason: Reason) -> None:
    await shop.declare()
    run_id = await shop.submit()
    error = RunError(Code.INTERNAL, reason, "what happened", "only")
    await shop.journal.record(await shop.lease(), RunEnded(RunStatus.FAILED, error))
    why = (await explained(shop, run_id))[0]
    assert (why.reason, why.message, why.step) == (reason.value, "what happened", "only")
    assert why.owner is not Owner.NOBODY
    assert why.retry is not Retry.NOT_ENDED
    assert why.remedy


async def test_an_end_without_an_error_is_explained_all_the_same(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    await shop.journal.record(await shop.lease(), RunEnded(RunStatus.QUARANTINED))
    assert (await names(shop, run_id))[0] == "INTERNAL"
