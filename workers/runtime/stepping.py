"""One step to its outcome: makes its context, runs its engine under its timeout, tries again as its policy says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import structlog
from attrs import evolve, frozen
from opentelemetry import trace
from prometheus_client import Counter, Histogram

from workers.catalog import Catalog
from workers.catalog.credentials import Credentials
from workers.model.failure import Code, FailedError, Failure, Reason, SnoozeError
from workers.model.lease import Checkpointed, Lease, Logged, PageRead, StaleFenceError, StepBegan
from workers.model.page import Receipt
from workers.model.parameters import Inputs
from workers.model.pipeline import Pipeline, Step
from workers.model.retry import Again, decide
from workers.model.run import RunError, StepRun, StepStatus
from workers.model.secret import Secret
from workers.ports import Authority, Clock, Intake, Reader, StepContext, StepResult, Warehouses, Wiring
from workers.runtime.execution import Attempt, Outcome, Snoozed
from workers.runtime.gauge import ProgressGauge
from workers.runtime.recorder import Recorder

log = structlog.get_logger()
tracer = trace.get_tracer("workers.runtime")
durations = Histogram("step_seconds", "Time from a step's begin to its outcome", ["ps_type", "status"])
rows_handled = Counter("step_rows_total", "Rows handled by steps", ["ps_type"])

LONGEST_WAIT_IN_SLOT = 20.0


@frozen
class Plan:
    """What all steps of one run share."""

    recorder: Recorder
    pipeline: Pipeline
    inputs: Inputs
    dataset: str
    variables: Mapping[str, Any]

    @property
    def lease(self) -> Lease:
        """The right to write for the run."""
        return self.recorder.lease


@frozen
class Stepping:
    """Where a step's context comes from."""

    catalog: Catalog
    credentials: Credentials
    warehouses: Warehouses
    reader: Reader
    journal: Intake
    clock: Clock
    roll: Callable[[], float]

    def bind(self, plan: Plan) -> Attempt:
        """Return the function that does one step of this plan."""

        async def attempt(step: Step, before: StepRun, done: Mapping[str, StepRun]) -> Outcome:
            began = self.clock.now()
            with tracer.start_as_current_span("step", attributes={"step_id": step.step_id, "ps_type": step.ps_type}):
                outcome = await self._until_outcome(plan, step, before, done)
            if isinstance(outcome, Snoozed):
                return outcome
            return self._measured(outcome, began)

        return attempt

    def _measured(self, outcome: StepRun, began: datetime) -> StepRun:
        ended = self.clock.now()
        durations.labels(outcome.ps_type, outcome.status).observe((ended - began).total_seconds())
        rows_handled.labels(outcome.ps_type).inc(outcome.rows)
        return evolve(outcome, start_time=began, end_time=ended)

    async def _until_outcome(self, plan: Plan, step: Step, before: StepRun, done: Mapping[str, StepRun]) -> Outcome:
        failures = 0
        current = before
        while True:
            try:
                result = await self._once(plan, step, current, done)
            except SnoozeError as snooze:
                return Snoozed(snooze.delay, snooze.why)
            except FailedError as error:
                failure = error.failure
            else:
                return evolve(
                    current, status=StepStatus.COMPLETED, rows=result.rows, bytes=result.bytes, output=result.output
                )
            failures += 1
            again = decide(failure, failures, step.retry.max_attempts, step.retry.backoff_seconds, self.roll())
            if not isinstance(again, Again):
                return evolve(current, status=StepStatus.FAILED, error=RunError.of(failure, step.step_id))
            if again.delay > LONGEST_WAIT_IN_SLOT:
                return Snoozed(again.delay, failure.message)
            log.warning("step tried again", step_id=step.step_id, reason=failure.reason, delay=again.delay)
            await self.clock.sleep(again.delay)
            current = evolve(current, attempt=current.attempt + 1)
            await plan.recorder.record(StepBegan(step.step_id, current.attempt))

    async def _once(self, plan: Plan, step: Step, before: StepRun, done: Mapping[str, StepRun]) -> StepResult:
        try:
            async with asyncio.timeout(step.timeout_minutes * 60), self._context(plan, step, before, done) as ctx:
                config = self.catalog.config(step, plan.variables)
                return _checked(await self.catalog.engine(step.ps_type).execute(config, ctx), step)
        except (FailedError, SnoozeError, StaleFenceError):
            raise
        except TimeoutError:
            message = f"the step took longer than its {step.timeout_minutes:g} minutes"
            raise _failed(Code.DEADLINE_EXCEEDED, Reason.STEP_TIMEOUT, message) from None
        except (Exception, SystemExit, KeyboardInterrupt):
            log.exception("processor failed", step_id=step.step_id, ps_type=step.ps_type)
            message = f"the processor {step.ps_type} failed unexpectedly; the service's log has the details"
            raise _failed(Code.INTERNAL, Reason.PROCESSOR_ERROR, message) from None

    @asynccontextmanager
    async def _context(
        self, plan: Plan, step: Step, before: StepRun, done: Mapping[str, StepRun]
    ) -> AsyncIterator[StepContext]:
        run = plan.lease.run
        authority = Authority(
            run.org_slug, plan.dataset, run.run_id, plan.lease.run_seq, plan.lease.fence, step.step_id
        )
        gauge = ProgressGauge(step.step_id, plan.recorder, self.clock)

        async def secret(provider: str) -> Secret:
            return await self.credentials.open(run.org_slug, provider)

        async def checkpoint(state: Mapping[str, Any]) -> None:
            await plan.recorder.record(Checkpointed(step.step_id, state))

        async def message(text: str) -> None:
            await plan.recorder.record(Logged(text, step.step_id))

        async with self.reader.open(self._wiring(plan, step, before, secret)) as reading:
            yield StepContext(
                org=run.org_slug,
                run_id=run.run_id,
                run_date=run.run_date,
                window=plan.inputs.window,
                step=step,
                variables=plan.variables,
                schemas=self.catalog.schemas,
                warehouse=self.warehouses.of(authority),
                secret=secret,
                endpoint=self.catalog.endpoint,
                reading=reading,
                checkpoint=checkpoint,
                progress=gauge.show,
                message=message,
                log=log.bind(step_id=step.step_id),
                clock=self.clock,
                force_refresh=run.force_refresh,
                saved=before.checkpoint,
                outputs={name: ended.output for name, ended in done.items()},
            )

    def _wiring(self, plan: Plan, step: Step, before: StepRun, secret: Callable[[str], Any]) -> Wiring:
        async def take(key: str, per_minute: float, burst: int) -> float:
            return await self.journal.take(key, per_minute=per_minute, burst=burst)

        async def receipt(page: Receipt) -> None:
            await plan.recorder.record(PageRead(step.step_id, before.attempt, page))

        return Wiring(secret, take, receipt, budget_key=plan.lease.run.org_slug)


def _failed(code: Code, reason: Reason, message: str) -> FailedError:
    return FailedError(Failure(code, reason, message))


def _checked(result: object, step: Step) -> StepResult:
    if not isinstance(result, StepResult):
        raise TypeError(f"{step.ps_type} returned {type(result).__name__}, not a StepResult")
    return result
