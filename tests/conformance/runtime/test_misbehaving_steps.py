"""What a processor does wrong is its step's failure, and nothing else's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve

from tests.fakes.workshop import ONE_STEP, Workshop, for_ever
from workers.adapters.kms import LocalKms
from workers.model.failure import Code, FailedError, Failure, Reason, SnoozeError
from workers.model.run import EventType, Progress, Run, RunStatus
from workers.model.secret import bound_data
from workers.ports import StepContext, StepResult

pytestmark = pytest.mark.engine


class OddError(BaseException):
    """No Exception, as some libraries raise."""


def failing_with(error: BaseException) -> Callable[[StepContext], Any]:
    async def part(_ctx: StepContext) -> StepResult:
        raise error

    return part


def giving(value: object) -> Callable[[StepContext], Any]:
    async def part(_ctx: StepContext) -> Any:
        return value

    return part


def reason_of(run: Run) -> Reason:
    assert run.status is RunStatus.FAILED
    assert run.error is not None
    return run.error.reason


@pytest.mark.fault("F29")
@pytest.mark.parametrize(
    "error",
    [ValueError("secret payload"), SystemExit(3), KeyboardInterrupt(), OddError(), TimeoutError(), RecursionError()],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_a_processor_raises_is_a_processor_error_without_its_text(
    shop: Workshop, error: BaseException
) -> None:
    run = await shop.do(ONE_STEP, only=failing_with(error))
    assert reason_of(run) is Reason.PROCESSOR_ERROR
    assert run.error is not None
    assert "payload" not in run.error.message


async def test_a_processor_that_cancels_itself_fails(shop: Workshop) -> None:
    async def part(_ctx: StepContext) -> StepResult:
        given_up: asyncio.Future[StepResult] = asyncio.get_running_loop().create_future()
        given_up.cancel()
        return await given_up

    assert reason_of(await shop.do(ONE_STEP, only=part)) is Reason.PROCESSOR_ERROR


@pytest.mark.fault("F29")
@pytest.mark.parametrize(
    "value",
    [
        None,
        {"rows": 1},
        StepResult(rows=-1),
        StepResult(rows=2**63),
        StepResult(rows="5"),  # type: ignore[arg-type]
        StepResult(bytes=True),
        StepResult(output={"n": float("nan")}),
        StepResult(output={"n": Decimal(1)}),
        StepResult(output=["x"]),  # type: ignore[arg-type]
        StepResult(output={"n": "x" * 300_000}),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_result_that_cannot_be_kept_is_a_processor_error(shop: Workshop, value: object) -> None:
    assert reason_of(await shop.do(ONE_STEP, only=giving(value))) is Reason.PROCESSOR_ERROR


@pytest.mark.parametrize("what", ["progress", "checkpoint", "message"])
async def test_nothing_that_cannot_be_kept_reaches_the_journal(shop: Workshop, what: str) -> None:
    async def part(ctx: StepContext) -> StepResult:
        said: dict[str, Any] = {"progress": Progress(2**70), "checkpoint": {"at": object()}, "message": 5}
        await getattr(ctx, what)(said[what])
        return StepResult()

    assert reason_of(await shop.do(ONE_STEP, only=part)) is Reason.PROCESSOR_ERROR


async def test_odd_text_is_kept_as_far_as_it_can_be(shop: Workshop) -> None:
    async def part(ctx: StepContext) -> StepResult:
        await ctx.message("nul \0, half \ud800, long " + "x" * 10_000)
        return StepResult(output={"text": "\0"})

    run = await shop.do(ONE_STEP, only=part)
    (line,) = [event for event in await shop.events(run.run_id) if event.type is EventType.LOG]
    assert run.status is RunStatus.COMPLETED
    assert line.message.startswith("nul \ufffd, half \ufffd, long xxx")
    assert len(line.message) == 4000


@pytest.mark.fault("F29")
async def test_a_step_past_its_time_fails_with_step_timeout(shop: Workshop) -> None:
    text = "steps: [{step_id: only, ps_type: lab.act, timeout_minutes: 0.001}]"
    run = await shop.do(text, only=for_ever)
    assert reason_of(run) is Reason.STEP_TIMEOUT


async def test_a_run_past_its_time_ends_as_timeout_and_keeps_what_is_done(shop: Workshop) -> None:
    text = "timeout_minutes: 0.004\nsteps: [{step_id: a, ps_type: lab.act}, {step_id: b, ps_type: lab.act}]"
    run = await shop.do(text, b=for_ever)
    assert run.status is RunStatus.TIMEOUT
    assert [step.status.value for step in run.steps] == ["COMPLETED", "CANCELLED"]
    assert run.error is not None
    assert run.error.reason is Reason.RUN_TIMEOUT


async def test_a_message_and_progress_are_seen_by_who_watches(shop: Workshop) -> None:
    async def part(ctx: StepContext) -> StepResult:
        await ctx.progress(Progress(3, 1, 40))
        await ctx.progress(Progress(4, 2, 50))
        await ctx.message("half way")
        return StepResult(rows=5)

    run = await shop.do(ONE_STEP, only=part)
    told = [(event.type, event.message or event.progress) for event in await shop.events(run.run_id)]
    assert (EventType.PROGRESS, Progress(3, 1, 40)) in told
    assert (EventType.PROGRESS, Progress(4, 2, 50)) not in told
    assert (EventType.LOG, "half way") in told


async def read_secret(ctx: StepContext) -> StepResult:
    return StepResult(rows=len((await ctx.secret("OPENAI")).reveal()))


async def stored_for(shop: Workshop, org: str, status: str = "VALID") -> dict[str, Any]:
    shop.keys = LocalKms(shop.folder / "kms.key")
    sealed = await shop.keys.encrypt(b"sk-admin-1", bound_data(org, "OPENAI", "c1"))
    return {
        "credential_id": "c1",
        "provider": "OPENAI",
        "validation_status": status,
        "encrypted_credential": sealed,
    }


async def test_a_step_opens_the_credential_of_its_own_organisation(shop: Workshop) -> None:
    shop.stored = [await stored_for(shop, "acme")]
    assert (await shop.do(ONE_STEP, only=read_secret)).step("only").rows == len("sk-admin-1")


@pytest.mark.parametrize("what", ["none", "foreign", "twice", "expired"])
async def test_a_credential_that_cannot_be_used_fails_the_step_at_once(shop: Workshop, what: str) -> None:
    good = await stored_for(shop, "acme")
    shop.stored = {
        "none": [],
        "foreign": [await stored_for(shop, "globex")],
        "twice": [good, good],
        "expired": [good | {"validation_status": "EXPIRED"}],
    }[what]
    run = await shop.do(ONE_STEP, only=read_secret)
    assert (reason_of(run), run.step("only").attempt) == (Reason.CREDENTIAL_INVALID, 1)


class BrokenKeys(LocalKms):
    """A key service that does not answer at first."""

    away = 1

    async def decrypt(self, ciphertext: bytes, bound: bytes) -> bytes:
        if self.away:
            self.away -= 1
            failure = Failure(Code.UNAVAILABLE, Reason.CREDENTIAL_UNAVAILABLE, "keys do not answer", retryable=True)
            raise FailedError(failure)
        return await super().decrypt(ciphertext, bound)


@pytest.mark.fault("F57")
async def test_a_key_service_that_comes_back_costs_an_attempt(shop: Workshop) -> None:
    shop.stored = [await stored_for(shop, "acme")]
    shop.keys = BrokenKeys(shop.folder / "kms.key")
    text = "steps: [{step_id: only, ps_type: lab.act, retry: {max_attempts: 2, backoff_seconds: 0}}]"
    run = await shop.do(text, only=read_secret)
    assert (run.status, run.step("only").attempt) == (RunStatus.COMPLETED, 2)


async def test_what_a_snooze_says_is_bounded_before_it_is_believed(shop: Workshop) -> None:
    run = await shop.do(ONE_STEP, only=failing_with(SnoozeError(float("nan"), "later")))
    delay, _ = await shop.paused(run.run_id)
    assert 0 < delay <= 1
    assert evolve(run, steps=()).status is RunStatus.PENDING
