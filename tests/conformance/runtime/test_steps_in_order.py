"""What the steps of one run promise: order, outcomes, and what a failure means for the rest."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakes.shaky import ShakyDispatch
from tests.fakes.workshop import Workshop, for_ever, uninterrupted
from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.run import EventType, Run, RunStatus
from workers.ports import StepContext, StepResult
from workers.runtime.holdings import Interruption

pytestmark = pytest.mark.engine

DIAMOND = """
steps:
  - {step_id: left, ps_type: lab.act, depends_on: []}
  - {step_id: right, ps_type: lab.act, depends_on: []}
  - {step_id: last, ps_type: lab.act, depends_on: [left, right]}
"""


def line(on_failure: str = "stop") -> str:
    first = f"{{step_id: first, ps_type: lab.act, on_failure: {on_failure}}}"
    return f"steps: [{first}, {{step_id: second, ps_type: lab.act}}, {{step_id: third, ps_type: lab.act}}]"


async def refuse(_ctx: StepContext) -> StepResult:
    raise FailedError(Failure(Code.PERMISSION_DENIED, Reason.PROVIDER_AUTH, "GET https://p/x: answered 401"))


def statuses(run: Run) -> dict[str, str]:
    return {step.step_id: step.status.value for step in run.steps}


async def test_steps_of_one_level_run_at_the_same_time_and_the_next_waits_for_both(shop: Workshop) -> None:
    meeting, order = asyncio.Barrier(2), list[str]()

    async def meet(ctx: StepContext) -> StepResult:
        await meeting.wait()
        order.append(ctx.step.step_id)
        return StepResult(rows=2, output={"from": ctx.step.step_id})

    async def last(ctx: StepContext) -> StepResult:
        order.append("last")
        return StepResult(output={"seen": sorted(ctx.outputs)})

    run = await shop.do(DIAMOND, left=meet, right=meet, last=last)
    assert run.status is RunStatus.COMPLETED
    assert order[2] == "last"
    assert run.step("last").output == {"seen": ["left", "right"]}


async def test_a_step_with_an_empty_depends_on_starts_at_once(shop: Workshop) -> None:
    released = asyncio.Event()

    async def wait(_ctx: StepContext) -> StepResult:
        await released.wait()
        return StepResult()

    async def release(_ctx: StepContext) -> StepResult:
        released.set()
        return StepResult()

    text = "steps: [{step_id: a, ps_type: lab.act}, {step_id: b, ps_type: lab.act, depends_on: []}]"
    assert (await shop.do(text, a=wait, b=release)).status is RunStatus.COMPLETED


async def test_what_a_step_achieved_stands_on_the_run(shop: Workshop) -> None:
    async def work(_ctx: StepContext) -> StepResult:
        return StepResult(rows=7, bytes=99, output={"days": 2})

    run = await shop.do("steps: [{step_id: only, ps_type: lab.act}]", only=work)
    step = run.step("only")
    assert (step.rows, step.bytes, step.output, step.attempt) == (7, 99, {"days": 2}, 1)
    assert [event.type for event in await shop.events(run.run_id)] == [
        EventType.QUEUED,
        EventType.STARTED,
        EventType.STEP_STARTED,
        EventType.STEP_FINISHED,
        EventType.TERMINAL,
    ]


async def test_steps_that_end_at_once_are_one_commit_with_the_end_of_their_run(shop: Workshop) -> None:
    async def nothing(_ctx: StepContext) -> StepResult:
        return StepResult()

    shop.dispatch = told = ShakyDispatch(shop.journal)
    run = await shop.do(line(), first=nothing, second=nothing, third=nothing)
    assert (run.status, told.writes) == (RunStatus.COMPLETED, 1)
    assert statuses(run) == {"first": "COMPLETED", "second": "COMPLETED", "third": "COMPLETED"}


async def test_a_run_that_was_taken_up_before_begins_no_step_that_is_not_recorded_as_begun(shop: Workshop) -> None:
    seen = list[str]()

    async def look(ctx: StepContext) -> StepResult:
        before = await shop.run(ctx.run_id)
        seen.append(before.step("only").status)
        return StepResult()

    await shop.declare()
    shop.parts["only"] = look
    run_id = await shop.submit()
    await shop.lease("died")
    await shop.journal.recover("died")
    assert (await shop.go_on(run_id)).status is RunStatus.COMPLETED
    assert seen == ["RUNNING"]


async def test_what_a_step_says_at_once_comes_after_its_beginning(shop: Workshop) -> None:
    async def say(ctx: StepContext) -> StepResult:
        await ctx.message("hello")
        return StepResult()

    run = await shop.do("steps: [{step_id: only, ps_type: lab.act}]", only=say)
    told = [event.type for event in await shop.events(run.run_id)]
    assert told.index(EventType.LOG) == told.index(EventType.STEP_STARTED) + 1


async def test_a_failed_step_stops_the_run_with_its_error(shop: Workshop) -> None:
    run = await shop.do(line(), first=refuse)
    assert run.status is RunStatus.FAILED
    assert statuses(run) == {"first": "FAILED", "second": "SKIPPED", "third": "SKIPPED"}
    assert run.error is not None
    assert (run.error.reason, run.error.step) == (Reason.PROVIDER_AUTH, "first")


@pytest.mark.parametrize("policy", ["continue", "alert"])
async def test_a_failure_that_may_be_passed_leaves_the_run_completed(shop: Workshop, policy: str) -> None:
    run = await shop.do(line(policy), first=refuse)
    assert run.status is RunStatus.COMPLETED
    assert statuses(run) == {"first": "FAILED", "second": "COMPLETED", "third": "COMPLETED"}
    assert run.error is None
    assert run.step("first").error is not None


async def test_the_error_of_a_run_is_that_of_the_step_that_stopped_it(shop: Workshop) -> None:
    async def other(_ctx: StepContext) -> StepResult:
        raise FailedError(Failure(Code.FAILED_PRECONDITION, Reason.DATA_INVALID, "row 3"))

    run = await shop.do(line("continue"), first=refuse, second=other)
    assert run.error is not None
    assert (run.error.reason, run.error.step) == (Reason.DATA_INVALID, "second")


async def test_a_disabled_step_is_skipped_and_lets_the_next_start(shop: Workshop) -> None:
    text = "steps: [{step_id: a, ps_type: lab.act, enabled: false}, {step_id: b, ps_type: lab.act}]"
    run = await shop.do(text)
    assert (run.status, statuses(run)) == (RunStatus.COMPLETED, {"a": "SKIPPED", "b": "COMPLETED"})


async def test_a_step_beside_a_failing_one_keeps_its_outcome(shop: Workshop) -> None:
    failed = asyncio.Event()

    async def fail(ctx: StepContext) -> StepResult:
        failed.set()
        return await refuse(ctx)

    async def after(_ctx: StepContext) -> StepResult:
        await failed.wait()
        return StepResult(rows=5)

    run = await shop.do(DIAMOND, left=fail, right=after)
    assert (run.status, statuses(run)["right"], statuses(run)["last"]) == (RunStatus.FAILED, "COMPLETED", "SKIPPED")


async def test_a_resumed_run_skips_the_steps_already_journalled(shop: Workshop) -> None:
    done: list[str] = []
    stopping = uninterrupted()

    async def count(ctx: StepContext) -> StepResult:
        done.append(ctx.step.step_id)
        return StepResult()

    async def stop_here(_ctx: StepContext) -> StepResult:
        stopping.set_result(Interruption.STOPPING)
        return await for_ever()  # type: ignore[no-any-return]

    await shop.declare(line())
    run_id = await shop.submit()
    shop.parts |= {"first": count, "second": stop_here, "third": count}
    assert (await shop.go_on(run_id, stopping)).status is RunStatus.RUNNING
    await shop.journal.release("w1")
    shop.parts["second"] = count
    run = await shop.go_on(run_id)
    assert (run.status, run.attempt, done) == (RunStatus.COMPLETED, 1, ["first", "second", "third"])
    assert [step.attempt for step in run.steps] == [1, 2, 1]
