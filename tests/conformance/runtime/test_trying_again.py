"""How often a step is tried, what it may wait for, and that no interruption makes it forget either."""

from __future__ import annotations

import errno

import pytest

from tests.fakes.workshop import ONE_STEP, Workshop
from workers.model.failure import Code, FailedError, Failure, Reason, SnoozeError
from workers.model.patience import Patience
from workers.model.run import EventType, Run, RunStatus
from workers.ports import StepContext, StepResult

pytestmark = pytest.mark.engine

AWAY = Failure(Code.UNAVAILABLE, Reason.PROVIDER_UNAVAILABLE, "GET https://p/x: answered 503", retryable=True)


def tried(attempts: int, backoff: float = 0) -> str:
    retry = f"retry: {{max_attempts: {attempts}, backoff_seconds: {backoff}}}"
    return f"timeout_minutes: 30\nsteps: [{{step_id: only, ps_type: lab.act, {retry}}}]"


class Flaky:
    """Fails so many times, then works."""

    def __init__(self, failures: int) -> None:
        self.left = failures
        self.calls = 0

    async def __call__(self, _ctx: StepContext) -> StepResult:
        self.calls += 1
        if self.left:
            self.left -= 1
            raise FailedError(AWAY)
        return StepResult(rows=1)


async def sooner(shop: Workshop, run: Run) -> None:
    """Let the wait of a snoozed run be over."""
    await shop.journal._room.workers._pool.execute(
        "UPDATE queue SET due_at = now() - interval '1 second' WHERE run_id = $1", run.run_id
    )


async def test_a_step_is_tried_again_until_it_works_and_every_attempt_is_seen(shop: Workshop) -> None:
    run = await shop.do(tried(3), only=Flaky(2))
    begins = [event for event in await shop.events(run.run_id) if event.type is EventType.STEP_STARTED]
    assert (run.status, run.step("only").attempt, len(begins)) == (RunStatus.COMPLETED, 3, 3)


async def test_a_step_is_tried_no_more_often_than_declared(shop: Workshop) -> None:
    flaky = Flaky(9)
    run = await shop.do(tried(2), only=flaky)
    assert (run.status, flaky.calls) == (RunStatus.FAILED, 2)
    assert run.error is not None
    assert run.error.message == AWAY.message


async def test_a_failure_that_cannot_be_helped_is_not_tried_again(shop: Workshop) -> None:
    async def refuse(_ctx: StepContext) -> StepResult:
        raise FailedError(Failure(Code.PERMISSION_DENIED, Reason.PROVIDER_AUTH, "answered 401"))

    assert (await shop.do(tried(5), only=refuse)).step("only").attempt == 1


@pytest.mark.promise("P13")
async def test_a_long_wait_gives_the_slot_back_and_the_run_goes_on_afterwards(shop: Workshop) -> None:
    calls: list[int] = []

    async def limited(_ctx: StepContext) -> StepResult:
        calls.append(1)
        if len(calls) == 1:
            raise SnoozeError(90, "waiting for the rate limit: api.p.com")
        return StepResult()

    run = await shop.do(ONE_STEP, only=limited)
    delay, why = await shop.paused(run.run_id)
    assert (run.status, run.attempt) == (RunStatus.PENDING, 0)
    assert (await shop.journal.depth()).running == 0
    assert (round(delay, -1), why) == (90, "waiting for the rate limit: api.p.com")
    await sooner(shop, run)
    assert (await shop.go_on(run.run_id)).status is RunStatus.COMPLETED


@pytest.mark.fault("F23", "F63")
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EMFILE])
async def test_a_replica_short_of_something_lets_the_run_wait_and_blames_nobody(shop: Workshop, number: int) -> None:
    shortages = [OSError(number, "a path")] * 5

    async def short(_ctx: StepContext) -> StepResult:
        if shortages:
            raise shortages.pop()
        return StepResult()

    run = await shop.do(tried(1), only=short)
    while run.status is RunStatus.PENDING:
        _, why = await shop.paused(run.run_id)
        assert why.startswith("the replica")
        await sooner(shop, run)
        run = await shop.go_on(run.run_id)
    assert (run.status, shortages) == (RunStatus.COMPLETED, [])


async def test_failures_are_counted_across_waits(shop: Workshop) -> None:
    shop.roll = lambda: 0.99
    flaky = Flaky(9)
    run = await shop.do(tried(3, backoff=100), only=flaky)
    for _ in range(2):
        assert run.status is RunStatus.PENDING
        await sooner(shop, run)
        run = await shop.go_on(run.run_id)
    assert (run.status, flaky.calls) == (RunStatus.FAILED, 3)


@pytest.mark.fault("F40")
async def test_a_provider_that_says_later_for_ever_ends_the_step_once_it_has_waited_as_long_as_its_run_may_take(
    shop: Workshop,
) -> None:
    async def limited(_ctx: StepContext) -> StepResult:
        raise SnoozeError(1000, "waiting for the rate limit: api.p.com")

    run = await shop.do("timeout_minutes: 30\n" + ONE_STEP, only=limited)
    waits = 1
    while run.status is RunStatus.PENDING:
        await sooner(shop, run)
        run = await shop.go_on(run.run_id)
        waits += run.status is RunStatus.PENDING
    assert (run.status, waits) == (RunStatus.FAILED, 2)
    assert run.error is not None
    assert run.error.reason is Reason.STEP_TIMEOUT
    assert "waiting for the rate limit: api.p.com" in run.error.message


async def test_a_single_wait_may_be_longer_than_the_run(shop: Workshop) -> None:
    async def tomorrow(_ctx: StepContext) -> StepResult:
        raise SnoozeError(50_000, "the day's quota is used up")

    run = await shop.do("timeout_minutes: 1\n" + ONE_STEP, only=tomorrow)
    assert (await shop.paused(run.run_id))[0] > 49_000


async def test_a_checkpoint_is_found_by_the_next_attempt_and_holds_nothing_but_what_was_kept(shop: Workshop) -> None:
    found: list[object] = []

    async def keep(ctx: StepContext) -> StepResult:
        found.append(dict(ctx.saved))
        if len(found) == 1:
            await ctx.checkpoint({"page": 7})
            raise SnoozeError(60, "later")
        return StepResult()

    run = await shop.do(ONE_STEP, only=keep)
    assert Patience.kept_in(run.step("only").checkpoint) == Patience(0, 60)
    await sooner(shop, run)
    await shop.go_on(run.run_id)
    assert found == [{}, {"page": 7}]


async def test_of_two_waits_the_longer_counts_and_the_work_beside_is_kept(shop: Workshop) -> None:
    def waiting(seconds: float):  # type: ignore[no-untyped-def]  # noqa: ANN202
        async def part(_ctx: StepContext) -> StepResult:
            raise SnoozeError(seconds, f"wait {seconds}")

        return part

    text = "steps: [" + ", ".join(f"{{step_id: {s}, ps_type: lab.act, depends_on: []}}" for s in "abc") + "]"
    run = await shop.do(text, a=waiting(30), b=waiting(300))
    _, why = await shop.paused(run.run_id)
    assert (why, run.step("c").status) == ("wait 300", "COMPLETED")


async def test_a_run_that_has_failed_already_waits_for_nothing(shop: Workshop) -> None:
    async def later(_ctx: StepContext) -> StepResult:
        raise SnoozeError(300, "later")

    async def refuse(_ctx: StepContext) -> StepResult:
        raise FailedError(Failure(Code.PERMISSION_DENIED, Reason.PROVIDER_AUTH, "answered 401"))

    text = "steps: [{step_id: a, ps_type: lab.act, depends_on: []}, {step_id: b, ps_type: lab.act, depends_on: []}]"
    run = await shop.do(text, a=later, b=refuse)
    assert (run.status, run.step("a").status, run.step("b").status) == ("FAILED", "SKIPPED", "FAILED")
