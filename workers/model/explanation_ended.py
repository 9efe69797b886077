"""Whose problem an ended run is, and whether and when a retry can help: the facts in, reasons in order out. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import assert_never

from workers.model.explanation import Explanation, Retry, Why
from workers.model.failure import Code, Reason
from workers.model.run import Run, RunError, RunStatus, StepRun, StepStatus
from workers.model.situation import Ended
from workers.model.verdicts import VERDICTS, Verdict

_AGAIN = "then RetryRun goes on at the first step that did not succeed"
_UNTOLD = RunError(Code.INTERNAL, Reason.INTERNAL, "the run ended without a recorded error")


def ended_reasons(run: Run, at: datetime, ended: Ended, mend_at: str) -> tuple[Explanation, ...]:
    """Return at least one reason; `mend_at` is where an organisation mends its subscription and credentials."""
    match run.status:
        case RunStatus.COMPLETED:
            first = _completed(run)
        case RunStatus.CANCELLED:
            first = _failed(run, run.error or _cancelled(), at, mend_at)
        case RunStatus.FAILED | RunStatus.TIMEOUT | RunStatus.QUARANTINED:
            first = _failed(run, run.error or _UNTOLD, at, mend_at)
        case RunStatus.PENDING | RunStatus.RUNNING | RunStatus.CANCELLING:
            raise AssertionError(f"a {run.status} run has not ended")
        case _ as never:
            assert_never(never)
    return (*_retried(ended), first, *_steps(run, at, mend_at))


def _cancelled() -> RunError:
    """Build what a run that never ran was cancelled with."""
    return RunError(Code.CANCELLED, Reason.CANCELLED, "the run was cancelled before it began")


def _completed(run: Run) -> Explanation:
    failed = any(step.status is StepStatus.FAILED for step in run.steps)
    message = "the run went on without the steps that failed" if failed else "every step that had to run has succeeded"
    remedy = "a completed run is not retried; start a new one, with force_refresh to read final days again"
    return Explanation(Why.COMPLETED, message, retry=Retry.NO, remedy=remedy if failed else "")


def _failed(run: Run, error: RunError, at: datetime, mend_at: str) -> Explanation:
    verdict = VERDICTS[error.reason]
    retry, until = _when(verdict, run, at)
    remedy = verdict.remedy + (f" (see {verdict.page})" if verdict.page else "")
    return Explanation(
        error.reason.value,
        error.message,
        verdict.owner,
        until=until,
        remedy=f"{remedy}; {_AGAIN}" if retry is Retry.AFTER_FIX else remedy,
        link=mend_at if verdict.mended else "",
        retry=retry,
        step=error.step,
    )


def _when(verdict: Verdict, run: Run, at: datetime) -> tuple[Retry, datetime | None]:
    """Return whether a retry helps and the time before which it hardly does; once that has come, it helps now."""
    if run.status is RunStatus.COMPLETED:
        return (Retry.NO if verdict.retry is Retry.NO else Retry.NEW_RUN), None
    if verdict.retry is not Retry.LATER:
        return verdict.retry, None
    until = (run.end_time or at) + timedelta(seconds=verdict.pause)
    return (Retry.LATER, until) if until > at else (Retry.NOW, None)


def _retried(ended: Ended) -> Iterator[Explanation]:
    if ended.retried_by is not None:
        message = f"run {ended.retried_by} retries it already"
        yield Explanation(Why.RETRIED, message, retry=Retry.NO, run_ids=(ended.retried_by,))
    if ended.retry_at is not None:
        message = "its schedule retries it at that time"
        yield Explanation(Why.RETRY_SCHEDULED, message, retry=Retry.LATER, until=ended.retry_at)


def _steps(run: Run, at: datetime, mend_at: str) -> Iterator[Explanation]:
    """Explain what did not succeed beside what ended the run."""
    told = run.error.step if run.error else ""
    for step in run.steps:
        if step.status is StepStatus.FAILED and step.step_id != told and step.error is not None:
            yield _failed(run, step.error, at, mend_at)
    yield from _left(run.steps, StepStatus.SKIPPED, Why.STEPS_SKIPPED, "switched off, not for this end, or behind")
    yield from _left(run.steps, StepStatus.CANCELLED, Why.STEPS_CANCELLED, "stopped with the run, or behind")


def _left(steps: tuple[StepRun, ...], status: StepStatus, reason: Why, why: str) -> Iterator[Explanation]:
    names = ", ".join(step.step_id for step in steps if step.status is status)
    if names:
        yield Explanation(reason, f"not done: {names}, which {_are(names)} {why} a step that did not succeed")


def _are(names: str) -> str:
    return "are" if ", " in names else "is"
