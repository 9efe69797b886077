"""Takes a leased run to its end: finds what it is pinned to, checks that it still may run, drives its steps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from attrs import frozen
from opentelemetry import trace
from prometheus_client import Counter, Histogram

from workers.catalog import Catalog
from workers.catalog.orgs import Directory
from workers.model.failure import Code, FailedError, Failure, Reason, pause_for
from workers.model.lease import Lease, Noticed, RunEnded, StaleFenceError
from workers.model.notice import Event
from workers.model.org import Subscription
from workers.model.resolve import ResolveError, run_variables
from workers.model.run import Run, RunError, RunStatus
from workers.ports import Clock, Dispatch
from workers.runtime.contexts import Plan
from workers.runtime.execution import Execution, Snoozed, cancelled
from workers.runtime.holdings import Interruption
from workers.runtime.pinned import pinned
from workers.runtime.recorder import Recorder
from workers.runtime.stepping import Stepping
from workers.runtime.supervisor import Supervisor
from workers.runtime.tracks import track

log = structlog.get_logger()
tracer = trace.get_tracer("workers.runtime")
ended = Counter("runs_ended_total", "Runs that left this replica, by what became of them", ["outcome"])
waited = Histogram(
    "run_wait_seconds",
    "Time from acceptance to the first start, by class of lane and what started the run",
    ["lane", "trigger"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600),
)


@frozen
class Runner:
    """What a run is made of.

    `dataset(org)` names the organisation's dataset; `away_seconds` is the wait for what a run needs to start with and
    is away; `patience` is how long a step may take to hear of its cancellation, in seconds.

    Whose subscription ends, or who is suspended, has no run started; of runs under way the steps that run come to their
    end, no other begins, and the run fails with SUBSCRIPTION_INACTIVE: a retry goes on behind what is done.
    """

    dispatch: Dispatch
    catalog: Catalog
    directory: Directory
    stepping: Stepping
    supervisor: Supervisor
    clock: Clock
    roll: Callable[[], float]
    dataset: Callable[[str], str]
    away_seconds: float = 30.0
    patience: float = 5.0

    async def run(self, lease: Lease, interrupted: asyncio.Future[Interruption]) -> None:
        """Do the run as far as it goes; never raises for what the run itself does wrong."""
        recorder = Recorder(self.dispatch, lease, interrupted, self.clock, self.roll)
        run = lease.run
        with (
            structlog.contextvars.bound_contextvars(run_id=str(run.run_id), org_slug=run.org_slug),
            tracer.start_as_current_span("run", track(run), attributes={"run_id": str(run.run_id)}),
        ):
            try:
                await self._to_its_end(run, recorder, interrupted)
            except StaleFenceError:
                log.warning("lease lost, nothing more is written")
                ended.labels("lost").inc()

    async def _to_its_end(self, run: Run, recorder: Recorder, interrupted: asyncio.Future[Interruption]) -> None:
        if run.status is RunStatus.CANCELLING:
            await recorder.record(cancelled())
            ended.labels(RunStatus.CANCELLED.lower()).inc()
            return
        try:
            await self._drive(run, recorder, interrupted)
        except StaleFenceError:
            raise
        except FailedError as error:
            await self._refuse(recorder, error.failure)
        except ResolveError as error:
            await self._refuse(recorder, _invalid(f"variables: {error}"))
        except Exception:
            log.exception("run failed unexpectedly")
            message = "the service failed unexpectedly; its log has the details"
            await self._refuse(recorder, Failure(Code.INTERNAL, Reason.INTERNAL, message))

    async def _drive(self, run: Run, recorder: Recorder, interrupted: asyncio.Future[Interruption]) -> None:
        pipeline = await pinned(run, self.catalog, self.dispatch)
        self._note_wait(run, await self._check_subscription(run))
        if _first(run) and self.catalog.notifications.tells(run.org_slug, pipeline, Event.PIPELINE_STARTED):
            await recorder.record(Noticed(event=Event.PIPELINE_STARTED))
        inputs = self.catalog.inputs(pipeline, run.parameters, run.created_at.date())
        variables = run_variables(
            pipeline,
            org=run.org_slug,
            run_id=run.run_id,
            run_date=run.run_date,
            window=inputs.window,
            parameters=inputs.parameters,
        )
        plan = Plan(recorder, pipeline, inputs, self.dataset(run.org_slug), variables)
        execution = Execution(
            recorder.lease,
            pipeline,
            recorder,
            self.stepping.bind(plan),
            self.supervisor,
            interrupted,
            self.patience,
            lambda: self._obstacle(run),
        )
        timer = asyncio.get_running_loop().call_later(pipeline.timeout_minutes * 60, _time_out, interrupted)
        try:
            became = await execution.drive()
        finally:
            timer.cancel()
        if isinstance(became, Snoozed):
            log.info("run snoozed", delay=became.delay, why=became.why)
            await recorder.snooze(became.delay, became.why, became.pause, became.failure)
        ended.labels(_outcome(became, interrupted)).inc()

    async def _check_subscription(self, run: Run, what: str = "the run was not started") -> Subscription | None:
        org = await self.directory.org(run.org_slug)
        obstacle = "the organisation is not known any more" if org is None else org.obstacle(self.clock.now().date())
        if obstacle:
            raise FailedError(Failure(Code.PERMISSION_DENIED, Reason.SUBSCRIPTION_INACTIVE, f"{what}: {obstacle}"))
        return org.subscription if org else None

    async def _obstacle(self, run: Run) -> RunError | None:
        """Say what keeps a run under way from going on: a subscription that ended, not a directory that is away."""
        try:
            await self._check_subscription(run, "no further step was started")
        except FailedError as error:
            return None if error.failure.retryable else RunError.of(error.failure)
        return None

    def _note_wait(self, run: Run, terms: Subscription | None) -> None:
        if _first(run) and run.start_time is not None:
            lane = self.catalog.plans.lanes.of(terms.weight if terms else 1.0)
            seconds = max(0.0, (run.start_time - run.created_at).total_seconds())
            waited.labels(lane, run.trigger_type).observe(seconds)

    async def _refuse(self, recorder: Recorder, failure: Failure) -> None:
        if failure.retryable:
            log.warning("run cannot start now", reason=failure.reason)
            delay, reason = failure.retry_after or self.away_seconds, failure.reason
            await recorder.snooze(delay, failure.message, pause_for(reason), reason)
            return
        ended.labels(RunStatus.FAILED.lower()).inc()
        await recorder.record(RunEnded(RunStatus.FAILED, RunError.of(failure)))


def _first(run: Run) -> bool:
    return run.attempt == 1 and not any(step.attempt for step in run.steps)


def _invalid(message: str) -> Failure:
    return Failure(Code.FAILED_PRECONDITION, Reason.CONFIG_INVALID, message)


def _time_out(interrupted: asyncio.Future[Interruption]) -> None:
    if not interrupted.done():
        interrupted.set_result(Interruption.TIMEOUT)


def _outcome(became: Snoozed | RunStatus | None, interrupted: asyncio.Future[Interruption]) -> str:
    if isinstance(became, Snoozed):
        return "snoozed"
    return became.lower() if became else interrupted.result().name.lower()
