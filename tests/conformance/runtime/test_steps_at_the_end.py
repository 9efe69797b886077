"""Steps with a trigger: they run at the end whatever happened, and change nothing of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.post_office import Post, do, fail
from tests.fakes.workshop import for_ever, uninterrupted
from workers.model.failure import SnoozeError
from workers.model.notice import Channel, Notice
from workers.model.run import RunStatus, StepStatus
from workers.ports import StepContext, StepResult
from workers.runtime.holdings import Interruption

pytestmark = pytest.mark.engine

TOLD = """
steps:
  - {step_id: work, ps_type: lab.act}
  - {step_id: bad, ps_type: lab.act, trigger: on_failure}
  - {step_id: good, ps_type: lab.act, trigger: on_success}
  - {step_id: over, ps_type: lab.act, trigger: on_completion}
  - {step_id: more, ps_type: lab.act}
  - {step_id: any, ps_type: lab.act, trigger: always}
"""


async def ask(ctx: StepContext) -> StepResult:
    subject = f"{ctx.step.step_id}: {{status}} {{reason}}"
    await ctx.notify(Notice(Channel.EMAIL, subject, "took {duration}", ("boss@acme.example",)))
    return StepResult()


ASKING = dict.fromkeys(("bad", "good", "over", "any"), ask)


@pytest.mark.parametrize(
    ("part", "ran", "status"),
    [(do, ["good", "over", "any"], RunStatus.COMPLETED), (fail, ["bad", "over", "any"], RunStatus.FAILED)],
)
async def test_steps_with_a_trigger_run_at_the_end_whatever_happened(
    post: Post, part: Any, ran: list[str], status: RunStatus
) -> None:
    run = await post.shop.do(TOLD, work=part, **ASKING)
    assert run.status is status
    done = [step.step_id for step in run.steps if step.status is StepStatus.COMPLETED]
    assert [name for name in done if name in ASKING] == ran
    assert ("more" in done) is (part is do)
    subjects = [subject for subject in await post.carry() if ": " in subject]
    assert sorted(subject.split()[1] for subject in subjects) == sorted(f"{name}:" for name in ran)
    assert all(status in subject for subject in subjects)
    asked = [letter for letter in post.box.letters if letter.to == ("boss@acme.example",)]
    assert len(asked) == len(ran)
    assert asked[0].text.startswith("took ")


async def test_a_step_at_the_end_changes_nothing_of_how_the_run_ends(post: Post) -> None:
    async def snooze(_ctx: StepContext) -> StepResult:
        raise SnoozeError(60, "later")

    run = await post.shop.do(TOLD, good=fail, over=snooze)
    assert run.status is RunStatus.COMPLETED
    assert {run.step(name).status for name in ("good", "over")} == {StepStatus.FAILED}
    again = await post.shop.do(TOLD, work=fail, bad=snooze, over=fail)
    assert (again.status, again.error and again.error.step) == (RunStatus.FAILED, "work")


@pytest.mark.parametrize(
    ("why", "ran"), [(Interruption.TIMEOUT, {"bad", "over", "any"}), (Interruption.CANCEL, {"any"})]
)
async def test_a_run_that_is_interrupted_still_tells(post: Post, why: Interruption, ran: set[str]) -> None:
    interrupted = uninterrupted()

    async def interrupt(ctx: StepContext) -> StepResult:
        if why is Interruption.CANCEL:
            await post.shop.journal.cancel("acme", ctx.run_id)
        interrupted.set_result(why)
        return StepResult()

    await post.shop.declare(TOLD)
    post.shop.parts.update({"work": interrupt, **ASKING})
    run = await post.shop.go_on(await post.shop.submit(), interrupted)
    assert run.status is (RunStatus.TIMEOUT if why is Interruption.TIMEOUT else RunStatus.CANCELLED)
    assert {name for name in ASKING if run.step(name).status is StepStatus.COMPLETED} == ran


async def test_a_step_at_the_end_that_outlasts_the_run_changes_nothing_of_how_it_ends(post: Post) -> None:
    interrupted = uninterrupted()

    async def outlast(_ctx: StepContext) -> StepResult:
        interrupted.set_result(Interruption.TIMEOUT)
        await for_ever()
        return StepResult()

    await post.shop.declare(TOLD)
    post.shop.parts.update({"good": outlast})
    run = await post.shop.go_on(await post.shop.submit(), interrupted)
    assert run.status is RunStatus.COMPLETED
    assert run.step("good").status is StepStatus.CANCELLED


async def test_until_a_cancelled_run_has_ended_its_steps_may_be_done_again(post: Post) -> None:
    interrupted = uninterrupted()
    seen: list[StepStatus] = []

    async def interrupt(ctx: StepContext) -> StepResult:
        await post.shop.journal.cancel("acme", ctx.run_id)
        interrupted.set_result(Interruption.CANCEL)
        await for_ever()
        return StepResult()

    async def look(ctx: StepContext) -> StepResult:
        seen.append((await post.shop.run(ctx.run_id)).step("work").status)
        return StepResult()

    await post.shop.declare(TOLD)
    post.shop.parts.update({"work": interrupt, "any": look})
    run = await post.shop.go_on(await post.shop.submit(), interrupted)
    assert seen == [StepStatus.RUNNING]
    assert (run.status, run.step("work").status) == (RunStatus.CANCELLED, StepStatus.CANCELLED)


async def test_a_retry_does_not_take_a_told_failure_for_told(post: Post) -> None:
    failed = await post.shop.do(TOLD, work=fail, **ASKING)
    again = await post.shop.acceptance().retry("acme", failed.run_id, key_id="")
    run = await post.shop.go_on(again.run_id)
    assert run.step("bad").status is StepStatus.COMPLETED
    assert (await post.shop.run(failed.run_id)).step("bad").end_time != run.step("bad").end_time
