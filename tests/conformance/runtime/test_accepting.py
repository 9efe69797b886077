"""The door for runs: what is refused, in which order, and what stands for what."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest

from tests.fakes.clock import ManualClock
from tests.fakes.workshop import ONE_STEP, Workshop
from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.org import Integration, Subscription
from workers.model.run import Run, RunStatus, TriggerType
from workers.ports import StepContext, StepResult
from workers.runtime.intake import Accepted, Submission, digest

pytestmark = pytest.mark.engine

NEEDY = "integration_required: [OPENAI]\nparameters: {n: {type: int}}\n" + ONE_STEP
ACTIVE = Subscription("ACTIVE", "PRO", 100, 1000, 5)


@pytest.fixture
async def door(shop: Workshop) -> Workshop:
    await shop.declare(NEEDY)
    shop.enrol("acme")
    return shop


async def ask(shop: Workshop, key: str | None = None, name: str = "flow", **parameters: Any) -> Accepted:
    wanted = Submission("acme", "lab", "test", name, parameters, key, key_id="k1", trace_id="t1")
    return await shop.acceptance().accept(wanted)


async def refusal(shop: Workshop, *args: Any, **parameters: Any) -> Failure:
    with pytest.raises(FailedError) as caught:
        await ask(shop, *args, **parameters)
    assert (await shop.journal.depth()).waiting == len(await shop.journal.list_runs("acme"))
    return caught.value.failure


async def test_an_accepted_run_waits_with_all_that_was_said(door: Workshop) -> None:
    accepted = await ask(door, n=1, date="2025-01-02", trigger_by="ada")
    run = await door.run(accepted.run_id)
    assert (accepted.status, accepted.existing, accepted.pipeline_id) == ("PENDING", False, "acme-lab-test-flow")
    assert (run.parameters["n"], run.run_date, run.trigger_by) == (1, date(2025, 1, 2), "ada")
    assert (run.key_id, run.trace_id, run.trigger_type) == ("k1", "t1", TriggerType.API)
    pipeline = door.catalog().find("lab", "test", "flow")
    assert pipeline is not None
    assert run.config_hash == pipeline.config_hash


async def test_an_absent_pipeline_is_told_before_its_parameters_are_looked_at(door: Workshop) -> None:
    failure = await refusal(door, name="absent", nonsense=1)
    assert (failure.code, failure.reason) == (Code.NOT_FOUND, Reason.PIPELINE_NOT_FOUND)


async def test_all_wrong_parameters_are_told_at_once_before_the_subscription_is_looked_at(door: Workshop) -> None:
    door.enrol("acme", subscription=None)
    failure = await refusal(door, n="one", nonsense=1, date="2025-02-30")
    assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, Reason.PARAMETERS_INVALID)
    assert {violation.field for violation in failure.violations} == {"n", "nonsense", "date"}


async def test_a_known_key_is_answered_before_the_subscription_is_looked_at(door: Workshop) -> None:
    first = await ask(door, "key", n=1)
    door.enrol("acme", subscription=None)
    again = await ask(door, "key", n=1)
    assert (again.run_id, again.existing) == (first.run_id, True)
    failure = await refusal(door, "key", n=2)
    assert (failure.code, failure.reason) == (Code.ALREADY_EXISTS, Reason.IDEMPOTENCY_MISMATCH)


async def test_a_key_of_a_run_that_has_ended_still_stands_for_it(door: Workshop) -> None:
    first = await ask(door, "key", n=1)
    await door.go_on(first.run_id)
    again = await ask(door, "key", n=1)
    assert (again.run_id, again.status, again.existing) == (first.run_id, RunStatus.COMPLETED, True)


@pytest.mark.parametrize(
    ("subscription", "said"),
    [
        (None, "missing"),
        (Subscription("SUSPENDED", "PRO", 1, 1, 1), "SUSPENDED"),
        (Subscription("active", "PRO", 1, 1, 1), "active"),
        (Subscription("ACTIVE", "PRO", 1, 1, 1, end_date=date(2025, 6, 14)), "ACTIVE"),
        (Subscription("TRIAL", "PRO", 1, 1, 1, trial_end_date=date(2025, 6, 14)), "TRIAL"),
    ],
)
async def test_only_an_active_or_trial_subscription_may_run(
    door: Workshop, subscription: Subscription | None, said: str
) -> None:
    door.clock = ManualClock()
    door.enrol("acme", subscription=subscription, integrations=())
    failure = await refusal(door)
    assert (failure.code, failure.reason) == (Code.PERMISSION_DENIED, Reason.SUBSCRIPTION_INACTIVE)
    assert (failure.metadata["status"], "https://mend" in failure.message) == (said, True)


async def test_a_subscription_holds_through_its_last_day(door: Workshop) -> None:
    door.clock = ManualClock()
    door.enrol("acme", subscription=Subscription("ACTIVE", "PRO", 10, 10, 1, end_date=date(2025, 6, 15)))
    assert not (await ask(door)).existing


async def test_an_organisation_that_is_not_active_may_not_run(door: Workshop) -> None:
    door.enrol("acme", status="SUSPENDED")
    failure = await refusal(door)
    assert (failure.reason, failure.metadata["status"]) == (Reason.SUBSCRIPTION_INACTIVE, "SUSPENDED")
    assert failure.message.startswith("the organisation is SUSPENDED, not ACTIVE;")


@pytest.mark.parametrize("status", [None, "EXPIRED", "valid"])
async def test_a_required_credential_must_be_there_and_usable(door: Workshop, status: str | None) -> None:
    door.enrol("acme", integrations=(Integration("c1", "OPENAI", status),) if status else ())
    failure = await refusal(door)
    assert (failure.code, failure.reason) == (Code.FAILED_PRECONDITION, Reason.INTEGRATION_NOT_CONFIGURED)
    assert failure.metadata["provider"] == "OPENAI"


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (None, "there is no credential for OPENAI; set it up at https://mend"),
        (Integration("c1", "OPENAI", "EXPIRED"), "the OPENAI credential is EXPIRED; set"),
        (Integration("c1", "OPENAI", "VALID", active=False), "the OPENAI credential is switched off; set it up"),
        (
            Integration("c1", "OPENAI", "INVALID", active=False, last_error="answered 401"),
            "the OPENAI credential is switched off; it was INVALID when it was last validated: answered 401; set",
        ),
    ],
)
async def test_a_missing_credential_is_told_with_what_its_last_validation_found(
    door: Workshop, stored: Integration | None, said: str
) -> None:
    door.enrol("acme", integrations=(stored,) if stored else ())
    assert (await refusal(door)).message.startswith(said)


async def test_a_credential_that_was_rejected_disables_nothing_by_itself(door: Workshop) -> None:
    door.enrol("acme", integrations=(Integration("c1", "OPENAI", "INVALID", last_error="answered 401"),))
    assert not (await ask(door)).existing


async def test_the_same_live_run_is_returned_before_any_quota_is_looked_at(door: Workshop) -> None:
    door.enrol("acme", subscription=Subscription("ACTIVE", "PRO", 1, 10, 1))
    first = await ask(door, n=1, trigger_by="ada")
    again = await ask(door, n=1, trigger_by="bob")
    assert (again.run_id, again.existing) == (first.run_id, True)


async def test_force_refresh_makes_a_run_beside_the_live_one(door: Workshop) -> None:
    first = await ask(door, n=1)
    assert (await ask(door, n=1, force_refresh=True)).run_id != first.run_id


@pytest.mark.parametrize(("daily", "monthly"), [(1, 10), (10, 1)])
async def test_a_used_up_quota_is_refused_with_the_time_until_it_is_there_again(
    door: Workshop, daily: int, monthly: int
) -> None:
    door.enrol("acme", subscription=Subscription("ACTIVE", "PRO", daily, monthly, 1))
    await ask(door, n=1)
    failure = await refusal(door, n=2)
    assert (failure.code, failure.reason) == (Code.RESOURCE_EXHAUSTED, Reason.QUOTA_EXCEEDED)
    assert failure.retry_after is not None
    assert 0 < failure.retry_after <= 31 * 86_400


async def test_a_full_queue_is_refused(door: Workshop) -> None:
    wanted = [Submission("acme", "lab", "test", "flow", {"n": n}) for n in range(2)]
    acceptance = door.acceptance(waiting_runs=1)
    await acceptance.accept(wanted[0])
    with pytest.raises(FailedError) as caught:
        await acceptance.accept(wanted[1])
    assert (caught.value.failure.reason, caught.value.failure.retry_after) == (Reason.QUEUE_FULL, 5)


async def test_the_same_key_at_the_same_moment_is_one_run(door: Workshop) -> None:
    answers = await asyncio.gather(*(ask(door, "key", n=1) for _ in range(50)))
    assert len({answer.run_id for answer in answers}) == 1
    assert sum(not answer.existing for answer in answers) == 1


async def test_a_retry_is_a_new_run_that_adopts_what_succeeded(door: Workshop) -> None:
    async def fail(_ctx: StepContext) -> StepResult:
        raise ValueError("no")

    await door.declare("steps: [{step_id: a, ps_type: lab.act}, {step_id: b, ps_type: lab.act}]")
    door.parts["b"] = fail
    first = await door.go_on((await ask(door, trigger_by="ada")).run_id)
    del door.parts["b"]
    retried = await door.run((await door.acceptance().retry("acme", first.run_id, "k2")).run_id)
    assert (retried.retry_of, retried.trigger_type, retried.key_id) == (first.run_id, TriggerType.RETRY, "k2")
    assert [step.status.value for step in retried.steps] == ["COMPLETED", "PENDING"]
    door.parts["a"] = fail
    assert (await door.go_on(retried.run_id)).status is RunStatus.COMPLETED
    assert (await door.run(first.run_id)).status is RunStatus.FAILED


async def test_a_retry_under_a_changed_declaration_does_everything_again(door: Workshop) -> None:
    async def fail(_ctx: StepContext) -> StepResult:
        raise ValueError("no")

    await door.declare("steps: [{step_id: a, ps_type: lab.act}, {step_id: b, ps_type: lab.act}]")
    door.parts["b"] = fail
    first = await door.go_on((await ask(door)).run_id)
    await door.declare("name: Changed\nsteps: [{step_id: a, ps_type: lab.act}, {step_id: b, ps_type: lab.act}]")
    retried = await door.run((await door.acceptance().retry("acme", first.run_id, "")).run_id)
    assert {step.status.value for step in retried.steps} == {"PENDING"}


@pytest.mark.parametrize("status", [RunStatus.PENDING, RunStatus.COMPLETED])
async def test_a_run_that_has_not_failed_cannot_be_retried(door: Workshop, status: RunStatus) -> None:
    accepted = await ask(door)
    if status is RunStatus.COMPLETED:
        await door.go_on(accepted.run_id)
    with pytest.raises(FailedError) as caught:
        await door.acceptance().retry("acme", accepted.run_id, "")
    assert caught.value.failure.reason is Reason.RUN_NOT_RETRYABLE


async def test_a_retry_of_a_foreign_run_is_as_of_none(door: Workshop) -> None:
    accepted = await ask(door)
    with pytest.raises(FailedError) as caught:
        await door.acceptance().retry("globex", accepted.run_id, "")
    assert caught.value.failure.reason is Reason.RUN_NOT_FOUND


async def test_a_retry_needs_what_a_run_needs(door: Workshop) -> None:
    accepted = await ask(door)
    await door.journal.cancel("acme", accepted.run_id)
    door.enrol("acme", subscription=None)
    with pytest.raises(FailedError) as caught:
        await door.acceptance().retry("acme", accepted.run_id, "")
    assert caught.value.failure.reason is Reason.SUBSCRIPTION_INACTIVE


async def failed(door: Workshop, **parameters: Any) -> Run:
    """Return a run that ended badly."""

    async def fail(_ctx: StepContext) -> StepResult:
        raise ValueError("no")

    door.parts["only"] = fail
    return await door.go_on((await ask(door, **parameters)).run_id)


@pytest.mark.parametrize("parameters", [{}, {"force_refresh": True}])
async def test_a_retry_that_is_asked_for_twice_at_once_is_one_run(door: Workshop, parameters: dict[str, Any]) -> None:
    run = await failed(door, **parameters)
    retries = await asyncio.gather(*(door.acceptance().retry("acme", run.run_id, "") for _ in range(5)))
    assert len({retry.run_id for retry in retries}) == 1
    await door.go_on(retries[0].run_id)
    assert (await door.acceptance().retry("acme", run.run_id, "")).run_id != retries[0].run_id


async def test_a_key_stands_for_its_retry_whatever_became_of_it(door: Workshop) -> None:
    run = await failed(door)
    retry = await door.acceptance().retry("acme", run.run_id, "", idempotency_key="key")
    await door.go_on(retry.run_id)
    again = await door.acceptance().retry("acme", run.run_id, "", idempotency_key="key")
    assert (again.run_id, again.status) == (retry.run_id, RunStatus.FAILED)


async def test_a_key_of_a_retry_is_refused_for_another_run_and_for_a_pipeline(door: Workshop) -> None:
    run, other = await failed(door), await failed(door, n=2)
    await door.acceptance().retry("acme", run.run_id, "", idempotency_key="key")
    for call in (door.acceptance().retry("acme", other.run_id, "", idempotency_key="key"), ask(door, "key")):
        with pytest.raises(FailedError) as caught:
            await call
        assert caught.value.failure.reason is Reason.IDEMPOTENCY_MISMATCH


def test_equal_mappings_have_equal_digests_whatever_their_order() -> None:
    assert digest({"a": 1, "b": {"c": 2, "d": "é"}}) == digest({"b": {"d": "é", "c": 2}, "a": 1})
    assert digest({"a": 1}) != digest({"a": "1"})
