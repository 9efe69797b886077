"""One run from its claim to its end: walks the steps, journals every outcome, heeds every interruption."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import structlog
from attrs import evolve, frozen

from workers.model.dag import startable, stopped, unreached
from workers.model.failure import Code, Reason
from workers.model.lease import Lease, Mark, RunEnded, StepBegan, StepEnded
from workers.model.pipeline import Pipeline, Step
from workers.model.run import RunError, RunStatus, StepRun, StepStatus
from workers.runtime.holdings import Interruption
from workers.runtime.recorder import Recorder
from workers.runtime.supervisor import Supervisor, settled

log = structlog.get_logger()


@frozen
class Snoozed:
    """A step that must wait longer than it may hold a slot."""

    delay: float
    why: str


Outcome = StepRun | Snoozed
Attempt = Callable[[Step, StepRun, Mapping[str, StepRun]], Coroutine[Any, Any, Outcome]]


class Execution:
    """The state of one run while a worker has it.

    `attempt(step, before, done)` does one step to its outcome; it never raises but when cancelled.
    """

    def __init__(
        self,
        lease: Lease,
        pipeline: Pipeline,
        recorder: Recorder,
        attempt: Attempt,
        supervisor: Supervisor,
        interrupted: asyncio.Future[Interruption],
        *,
        patience: float = 5.0,
    ) -> None:
        self._lease = lease
        self._pipeline = pipeline
        self._recorder = recorder
        self._attempt = attempt
        self._supervisor = supervisor
        self._interrupted = interrupted
        self._patience = patience
        self._done = {step.step_id: step for step in lease.run.steps if step.status.settled}
        self._live: dict[asyncio.Task[Outcome], StepRun] = {}
        self._snoozed: Snoozed | None = None

    async def drive(self) -> Snoozed | RunStatus | None:
        """Run every step that can run, journal the end and return it; return a Snoozed when the run must wait instead.

        After LOST or STOPPING nothing more is journalled and None is returned.
        """
        marks: list[Mark] = []
        while not self._interrupted.done():
            begun = self._begin()
            marks += [StepBegan(step.step_id, step.attempt) for step in begun]
            if not begun and not self._live:
                return await self._end(marks)
            await self._recorder.record(*marks)
            self._launch(begun)
            marks = await self._next_outcomes()
        return await self._interrupt(marks)

    def _begin(self) -> list[StepRun]:
        if self._snoozed is not None:
            return []
        running = {step.step_id: StepStatus.RUNNING for step in self._live.values()}
        outcomes = running | {name: step.status for name, step in self._done.items()}
        before = {step.step_id: step for step in self._lease.run.steps}
        return [
            evolve(before[step.step_id], status=StepStatus.RUNNING, attempt=before[step.step_id].attempt + 1)
            for step in startable(self._pipeline, outcomes)
        ]

    def _launch(self, begun: list[StepRun]) -> None:
        for step in begun:
            work = self._attempt(self._pipeline.step(step.step_id), step, self._done)
            self._live[self._supervisor.spawn(work, f"step-{step.step_id}")] = step

    async def _next_outcomes(self) -> list[Mark]:
        awaited: set[asyncio.Future[Any]] = {*self._live, self._interrupted}
        await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        return self._collect()

    def _collect(self) -> list[Mark]:
        marks: list[Mark] = []
        for task in [task for task in self._live if task.done()]:
            step = self._live.pop(task)
            outcome = evolve(step, status=StepStatus.CANCELLED) if task.cancelled() else task.result()
            if isinstance(outcome, Snoozed):
                self._snoozed = outcome
            else:
                self._done[outcome.step_id] = outcome
                marks.append(StepEnded(outcome))
        return marks

    async def _end(self, marks: list[Mark]) -> Snoozed | RunStatus:
        if self._snoozed is not None:
            await self._recorder.record(*marks)
            return self._snoozed
        outcomes = {name: step.status for name, step in self._done.items()}
        marks += [StepEnded(self._unreached(step, StepStatus.SKIPPED)) for step in unreached(self._pipeline, outcomes)]
        failed = stopped(self._pipeline, outcomes)
        ended = RunEnded(RunStatus.FAILED, self._first_error()) if failed else RunEnded(RunStatus.COMPLETED)
        await self._recorder.record(*marks, ended)
        return ended.status

    def _unreached(self, step: Step, status: StepStatus) -> StepRun:
        return StepRun(step.step_id, step.ps_type, status)

    def _first_error(self) -> RunError | None:
        errors = (self._done[step.step_id].error for step in self._pipeline.steps if step.step_id in self._done)
        return next((error for error in errors if error is not None), None)

    async def _interrupt(self, marks: list[Mark]) -> RunStatus | None:
        why = self._interrupted.result()
        for task in self._live:
            task.cancel()
        detached = await settled(set(self._live), self._patience)
        if detached:
            log.error("steps ignore their cancellation", steps=[self._live[task].step_id for task in detached])
        if why in {Interruption.LOST, Interruption.STOPPING}:
            return None
        marks += self._collect()
        marks += [StepEnded(evolve(step, status=StepStatus.CANCELLED)) for step in self._live.values()]
        outcomes = {name: step.status for name, step in self._done.items()}
        begun = {step.step_id for step in self._live.values()}
        never = [step for step in unreached(self._pipeline, outcomes) if step.step_id not in begun]
        marks += [StepEnded(self._unreached(step, StepStatus.CANCELLED)) for step in never]
        ended = self._interrupted_end(why)
        await self._recorder.record(*marks, ended)
        return ended.status

    def _interrupted_end(self, why: Interruption) -> RunEnded:
        if why is Interruption.CANCEL:
            return RunEnded(RunStatus.CANCELLED, RunError(Code.CANCELLED, Reason.CANCELLED, "the run was cancelled"))
        minutes = self._pipeline.timeout_minutes
        message = f"the run took longer than the {minutes:g} minutes its pipeline allows"
        return RunEnded(RunStatus.TIMEOUT, RunError(Code.DEADLINE_EXCEEDED, Reason.RUN_TIMEOUT, message))
