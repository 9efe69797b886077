"""One run from its claim to its end: walks the steps, journals every outcome, heeds every interruption."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import structlog
from attrs import evolve, frozen

from workers.model.dag import closing, decisive, startable, unreached
from workers.model.failure import Code, Reason
from workers.model.lease import Lease, Mark, Noticed, RunEnded, StepBegan, StepEnded
from workers.model.notice import Event
from workers.model.pause import Pause
from workers.model.pipeline import Pipeline, Step
from workers.model.run import RunError, RunStatus, StepRun, StepStatus, TransitionError
from workers.runtime.holdings import Interruption
from workers.runtime.recorder import Recorder
from workers.runtime.supervisor import Supervisor, settled

log = structlog.get_logger()

CLOSING_SECONDS = 10.0
"""How long the steps at its end may keep a run that was cancelled, or has taken too long already."""


@frozen
class Snoozed:
    """A step that must wait longer than it may hold a slot."""

    delay: float
    why: str
    pause: Pause = Pause.ASKED
    failure: Reason | None = None


Outcome = StepRun | Snoozed
Attempt = Callable[[Step, StepRun, Mapping[str, StepRun]], Coroutine[Any, Any, Outcome]]
Obstacle = Callable[[], Awaitable[RunError | None]]


class Execution:
    """The state of one run while a worker has it.

    `attempt(step, before, done)` does one step to its outcome; it raises when it is cancelled, and what the journal
    raises. A step that ignores its cancellation for `patience` seconds is left behind: its fence keeps it from writing.
    `obstacle()` says what keeps a run that is under way from going on: its steps end, and no other begins.
    """

    def __init__(
        self,
        lease: Lease,
        pipeline: Pipeline,
        recorder: Recorder,
        attempt: Attempt,
        supervisor: Supervisor,
        interrupted: asyncio.Future[Interruption],
        patience: float,
        obstacle: Obstacle,
    ) -> None:
        self._lease = lease
        self._pipeline = pipeline
        self._recorder = recorder
        self._attempt = attempt
        self._supervisor = supervisor
        self._interrupted = interrupted
        self._patience = patience
        self._obstacle = obstacle
        self._stopped: RunError | None = None
        self._done = {step.step_id: step for step in lease.run.steps if step.status.settled}
        self._live: dict[asyncio.Task[Outcome], StepRun] = {}
        self._snoozed: Snoozed | None = None
        self._closing = False

    async def drive(self) -> Snoozed | RunStatus | None:
        """Run every step that can run, journal the end and return it; return a Snoozed when the run must wait instead.

        After LOST nothing more is journalled, after STOPPING only what steps have achieved; then None is returned.
        No step goes on when this is left by an exception.
        """
        try:
            return await self._walk()
        except asyncio.CancelledError:
            for task in self._live:
                task.cancel()
            raise
        except BaseException:
            await self._cease()
            raise

    async def _walk(self) -> Snoozed | RunStatus | None:
        marks: list[Mark] = []
        while not self._interrupted.done():
            begun = await self._next()
            marks += [StepBegan(step.step_id, step.attempt) for step in begun]
            if not begun and not self._live:
                return await self._end(marks)
            await self._set_off(begun, marks)
            marks = await self._next_outcomes()
        return await self._interrupt(marks)

    async def _set_off(self, begun: list[StepRun], marks: list[Mark]) -> None:
        """Start steps and record that they began; of what ends at once, beginning and end are one commit.

        A run that was taken up before may be one that kills its process: what it does is recorded before it is done,
        so that the step at which it died is known.
        """
        self._recorder.keep(*marks)
        if self._lease.run.attempt > 1:
            await self._recorder.record()
        self._launch(begun)
        await asyncio.sleep(0)
        if not all(task.done() for task in self._live):
            await self._recorder.record()

    async def _next(self) -> list[StepRun]:
        """Return what starts now; before any but the first steps ask whether the run may go on."""
        begun = self._begin()
        if not begun or not self._done or self._closing or self._stopped is not None:
            return begun
        self._stopped = await self._obstacle()
        return begun if self._stopped is None else self._begin()

    def _begin(self) -> list[StepRun]:
        """Return what starts now: steps whose turn has come, and when nothing else is left those at the end."""
        outcomes = self._outcomes()
        failed = self._stopped or decisive(self._pipeline, outcomes)
        if self._snoozed is not None and (failed is None or self._live):
            return []
        running = {step.step_id: StepStatus.RUNNING for step in self._live.values()}
        begun = startable(self._pipeline, running | outcomes) if self._stopped is None else ()
        if not begun and not self._live:
            begun = closing(self._pipeline, outcomes, RunStatus.FAILED if failed else RunStatus.COMPLETED)
            self._closing = bool(begun)
        return self._started(begun)

    def _started(self, steps: tuple[Step, ...]) -> list[StepRun]:
        before = {step.step_id: step for step in self._lease.run.steps}
        return [
            evolve(before[step.step_id], status=StepStatus.RUNNING, attempt=before[step.step_id].attempt + 1)
            for step in steps
        ]

    def _outcomes(self) -> dict[str, StepStatus]:
        return {name: step.status for name, step in self._done.items()}

    def _launch(self, begun: list[StepRun]) -> None:
        for step in begun:
            work = self._attempt(self._pipeline.step(step.step_id), step, self._done)
            self._live[self._supervisor.spawn(work, f"step-{step.step_id}")] = step

    async def _next_outcomes(self) -> list[Mark]:
        awaited: set[asyncio.Future[Any]] = {*self._live, self._interrupted}
        if not any(one.done() for one in awaited):
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        return [StepEnded(step) for step in self._collect()]

    def _collect(self) -> list[StepRun]:
        """Take the outcomes that are there; of several waits the longest counts."""
        ended: list[StepRun] = []
        for task in [task for task in self._live if task.done()]:
            step = self._live.pop(task)
            outcome = evolve(step, status=StepStatus.CANCELLED) if task.cancelled() else task.result()
            if isinstance(outcome, Snoozed) and self._pipeline.step(step.step_id).trigger:
                outcome = _impatient(step)
            if isinstance(outcome, Snoozed):
                self._snoozed = max(self._snoozed or outcome, outcome, key=lambda snoozed: snoozed.delay)
            else:
                ended.append(outcome)
        self._done |= {step.step_id: step for step in ended}
        return ended

    async def _end(self, marks: list[Mark]) -> Snoozed | RunStatus:
        outcomes = self._outcomes()
        failed = self._failure(outcomes)
        if self._snoozed is not None and failed is None:
            if self._snoozed.pause is Pause.RATE_LIMIT:
                marks.append(Noticed(event=Event.RATE_LIMIT_EXCEEDED, why=self._snoozed.why))
            await self._recorder.record(*marks)
            return self._snoozed
        marks += [_never(step, StepStatus.SKIPPED) for step in unreached(self._pipeline, outcomes)]
        ended = RunEnded(RunStatus.COMPLETED) if failed is None else failed
        await self._recorder.record(*marks, ended)
        return ended.status

    def _failure(self, outcomes: Mapping[str, StepStatus]) -> RunEnded | None:
        """Return how the run fails: by the step that stopped it, else by what kept it from going on."""
        failed = decisive(self._pipeline, outcomes)
        if failed is not None:
            return RunEnded(RunStatus.FAILED, self._done[failed.step_id].error)
        return RunEnded(RunStatus.FAILED, self._stopped) if self._stopped is not None else None

    async def _cease(self) -> None:
        """Cancel what is live and wait for it, but not for ever."""
        for task in self._live:
            task.cancel()
        deaf = await settled(set(self._live), self._patience)
        for task in deaf:
            task.add_done_callback(_unheard)
        if deaf:
            log.error("steps ignore their cancellation", steps=[self._live[task].step_id for task in deaf])

    async def _interrupt(self, marks: list[Mark]) -> Snoozed | RunStatus | None:
        why = self._interrupted.result()
        await self._cease()
        if why is Interruption.LOST:
            return None
        ended = self._collect()
        if why is Interruption.STOPPING:
            marks += [StepEnded(step) for step in ended if step.status is not StepStatus.CANCELLED]
            await self._recorder.record(*marks)
            return None
        marks += [StepEnded(step) for step in ended + self._left()]
        if why is Interruption.TIMEOUT and self._closing:
            return await self._end(marks)
        marks += await self._close(RunStatus.TIMEOUT if why is Interruption.TIMEOUT else RunStatus.CANCELLED)
        marks += [_never(step, StepStatus.CANCELLED) for step in unreached(self._pipeline, self._outcomes())]
        return await self._end_interrupted(marks, why)

    def _left(self) -> list[StepRun]:
        """Give up on what is still live, whatever it does."""
        left = [evolve(step, status=StepStatus.CANCELLED) for step in self._live.values()]
        self._done |= {step.step_id: step for step in left}
        self._live.clear()
        return left

    async def _close(self, ending: RunStatus) -> list[Mark]:
        """Do the steps at the end of an interrupted run, for a short while; return what is to be recorded of them.

        How the others were interrupted is recorded with the end of the run only: one that a crash brings back in
        between does them again.
        """
        begun = self._started(closing(self._pipeline, self._outcomes(), ending))
        if not begun:
            return []
        await self._recorder.record(*(StepBegan(step.step_id, step.attempt) for step in begun))
        self._launch(begun)
        await settled(set(self._live), CLOSING_SECONDS)
        await self._cease()
        ended = self._collect()
        return [StepEnded(step) for step in ended + self._left()]

    async def _end_interrupted(self, marks: list[Mark], why: Interruption) -> RunStatus:
        ended = cancelled()
        if why is Interruption.TIMEOUT:
            minutes = self._pipeline.timeout_minutes
            message = f"the run took longer than the {minutes:g} minutes its pipeline allows"
            ended = RunEnded(RunStatus.TIMEOUT, RunError(Code.DEADLINE_EXCEEDED, Reason.RUN_TIMEOUT, message))
        try:
            await self._recorder.record(*marks, ended)
        except TransitionError:
            # The caller asked for its end while it was running out of time.
            ended = cancelled()
            await self._recorder.record(*marks, ended)
        return ended.status


def cancelled() -> RunEnded:
    """Build the end of a run that its caller cancelled."""
    return RunEnded(RunStatus.CANCELLED, RunError(Code.CANCELLED, Reason.CANCELLED, "the run was cancelled"))


def _never(step: Step, status: StepStatus) -> StepEnded:
    return StepEnded(StepRun(step.step_id, step.ps_type, status))


def _impatient(step: StepRun) -> StepRun:
    message = "a step at the end of a run does not wait"
    return evolve(
        step,
        status=StepStatus.FAILED,
        error=RunError(Code.DEADLINE_EXCEEDED, Reason.STEP_TIMEOUT, message, step.step_id),
    )


def _unheard(task: asyncio.Task[Outcome]) -> None:
    """Take the end of a step that was left behind, so that asyncio does not complain of it."""
    if not task.cancelled() and task.exception() is not None:
        log.warning("a step that was left behind ended", error=type(task.exception()).__name__)
