"""One step to its outcome: runs its engine under its timeout, tries again as its policy says, or asks to wait.

A wait longer than a step may hold its slot gives the slot back. How often a step may wait is not bounded, how long in
all is: once it has waited as long as its run may take, the next wait is a failure. So a provider that says «later» for
ever ends the step, while a quota that comes back after hours is waited for once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

import structlog
from attrs import evolve, field, frozen
from opentelemetry import trace
from prometheus_client import Counter, Histogram

from workers.catalog import Catalog
from workers.catalog.credentials import Credentials
from workers.model.failure import Code, FailedError, Failure, Reason, SnoozeError, pause_for
from workers.model.lease import StaleFenceError, StepBegan
from workers.model.pipeline import Step
from workers.model.retry import Again, decide
from workers.model.run import RunError, StepRun, StepStatus
from workers.model.shortage import WAIT_SECONDS, shortage_of
from workers.ports import Clock, Journal, Reader, Sources, StepResult, Warehouses
from workers.runtime import offerings
from workers.runtime.contexts import Contexts, Plan, Shielded
from workers.runtime.execution import Attempt, Outcome, Snoozed
from workers.runtime.memory import Memory
from workers.runtime.supervisor import cancellation_asked

log = structlog.get_logger()
tracer = trace.get_tracer("workers.runtime")
durations = Histogram("step_seconds", "Time from a step's begin to its outcome", ["ps_type", "status"])
rows_handled = Counter("step_rows_total", "Rows handled by steps", ["ps_type"])

LONGEST_WAIT_IN_SLOT = 20.0
SHORTEST_SNOOZE, LONGEST_SNOOZE = 1.0, 86_400.0


@frozen
class Stepping:
    """Where a step's context comes from."""

    catalog: Catalog
    credentials: Credentials
    warehouses: Warehouses
    reader: Reader
    journal: Journal
    clock: Clock
    roll: Callable[[], float]
    shielded: Shielded
    sources: Sources
    _contexts: Contexts = field(init=False)

    @_contexts.default
    def _wire(self) -> Contexts:
        return Contexts(
            self.catalog,
            self.credentials,
            self.warehouses,
            self.reader,
            self.journal,
            self.clock,
            self.shielded,
            self.sources,
        )

    def bind(self, plan: Plan) -> Attempt:
        """Return the function that does one step of this plan."""

        async def attempt(step: Step, before: StepRun, done: Mapping[str, StepRun]) -> Outcome:
            began = self.clock.now()
            with tracer.start_as_current_span("step", attributes={"step_id": step.step_id, "ps_type": step.ps_type}):
                outcome = await self._until_outcome(plan, step, before, done)
            return outcome if isinstance(outcome, Snoozed) else self._measured(outcome, began)

        return attempt

    def _measured(self, outcome: StepRun, began: datetime) -> StepRun:
        ended = self.clock.now()
        durations.labels(outcome.ps_type, outcome.status).observe(max(0.0, (ended - began).total_seconds()))
        rows_handled.labels(outcome.ps_type).inc(outcome.rows)
        return evolve(outcome, start_time=began, end_time=ended)

    async def _until_outcome(self, plan: Plan, step: Step, before: StepRun, done: Mapping[str, StepRun]) -> Outcome:
        memory, current = Memory.of(before, plan.recorder), before
        while True:
            try:
                result = await self._once(plan, step, current, memory, done)
            except SnoozeError as snooze:
                snoozed = Snoozed(snooze.delay, snooze.why, snooze.pause, snooze.failure)
                return await self._wait(plan, current, memory, snoozed)
            except FailedError as error:
                failure = error.failure
            else:
                return evolve(
                    current,
                    status=StepStatus.COMPLETED,
                    rows=result.rows,
                    bytes=result.bytes,
                    output={**result.output, **memory.told},
                    bookmark=result.bookmark,
                )
            memory.patience = memory.patience.failed()
            policy = step.retry
            again = decide(failure, memory.patience.failures, policy.max_attempts, policy.backoff_seconds, self.roll())
            if not isinstance(again, Again):
                return evolve(_failed(current, failure), output=memory.told)
            if again.delay > LONGEST_WAIT_IN_SLOT:
                snoozed = Snoozed(again.delay, failure.message, pause_for(failure.reason), failure.reason)
                return await self._wait(plan, current, memory, snoozed)
            log.warning("step tried again", step_id=step.step_id, reason=failure.reason, delay=again.delay)
            await self.clock.sleep(again.delay)
            current = evolve(current, attempt=current.attempt + 1)
            await plan.recorder.record(StepBegan(step.step_id, current.attempt))

    async def _wait(self, plan: Plan, step: StepRun, memory: Memory, snoozed: Snoozed) -> Outcome:
        minutes, why = plan.pipeline.timeout_minutes, snoozed.why
        if not memory.patience.lasts(minutes * 60):
            message = f"the step has waited longer than the {minutes:g} minutes its run may take, and must again: {why}"
            return _failed(step, Failure(Code.DEADLINE_EXCEEDED, Reason.STEP_TIMEOUT, message))
        # Written so that what is no number becomes the shortest.
        bounded = min(snoozed.delay, LONGEST_SNOOZE) if snoozed.delay > SHORTEST_SNOOZE else SHORTEST_SNOOZE
        await memory.wait(bounded)
        return evolve(snoozed, delay=bounded)

    async def _once(
        self, plan: Plan, step: Step, attempt: StepRun, memory: Memory, done: Mapping[str, StepRun]
    ) -> StepResult:
        limit = asyncio.timeout(step.timeout_minutes * 60)
        try:
            async with limit, self._contexts.open(plan, step, attempt, memory, done) as ctx:
                config = self.catalog.config(step, plan.variables)
                return offerings.result(await self.catalog.engine(step.ps_type).execute(config, ctx))
        except (FailedError, SnoozeError, StaleFenceError):
            raise
        except GeneratorExit:
            raise
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError) and cancellation_asked():
                raise
            if short := shortage_of(error):
                log.warning("replica short of something", step_id=step.step_id, why=short)
                raise SnoozeError(WAIT_SECONDS, short) from None
            if limit.expired():
                message = f"the step took longer than its {step.timeout_minutes:g} minutes"
                raise _error(Code.DEADLINE_EXCEEDED, Reason.STEP_TIMEOUT, message) from None
            log.exception("processor failed", step_id=step.step_id, ps_type=step.ps_type)
            message = f"the processor {step.ps_type} failed unexpectedly; the service's log has the details"
            raise _error(Code.INTERNAL, Reason.PROCESSOR_ERROR, message) from None


def _error(code: Code, reason: Reason, message: str) -> FailedError:
    return FailedError(Failure(code, reason, message))


def _failed(step: StepRun, failure: Failure) -> StepRun:
    return evolve(step, status=StepStatus.FAILED, error=RunError.of(failure, step.step_id))
