"""Makes what a processor is handed: one StepContext for one attempt of one step, opened lazily, closed with it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import date
from decimal import Decimal
from typing import Any

import structlog
from attrs import evolve, field, frozen

from workers.catalog import Catalog
from workers.catalog.credentials import Credentials
from workers.model.failure import Code, FailedError, Reason, refused
from workers.model.lease import Lease, Logged, Noticed, PageRead
from workers.model.notice import Notice
from workers.model.page import Page, Read, Receipt
from workers.model.parameters import Inputs
from workers.model.pipeline import Pipeline, Step
from workers.model.quality import Audited, Expectation
from workers.model.run import Progress, StepRun
from workers.ports import (
    Access,
    Authority,
    Clock,
    Expected,
    Journal,
    Reader,
    Reading,
    Source,
    Sources,
    StepContext,
    Warehouses,
    Wiring,
)
from workers.runtime import offerings
from workers.runtime.gauge import ProgressGauge
from workers.runtime.memory import Memory
from workers.runtime.recorder import Recorder
from workers.runtime.turns import Turns
from workers.runtime.vault import Kept, Standing, StepVault

Shielded = Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]]

log = structlog.get_logger()


@frozen
class Plan:
    """What all steps of one run share."""

    recorder: Recorder
    pipeline: Pipeline
    inputs: Inputs
    dataset: str
    variables: Mapping[str, Any]
    kept: Kept = field(factory=Kept)

    @property
    def lease(self) -> Lease:
        """The right to write for the run."""
        return self.recorder.lease


@frozen
class Contexts:
    """Where the parts of a context come from."""

    catalog: Catalog
    credentials: Credentials
    warehouses: Warehouses
    reader: Reader
    journal: Journal
    clock: Clock
    shielded: Shielded
    sources: Sources

    @asynccontextmanager
    async def open(
        self, plan: Plan, step: Step, attempt: StepRun, memory: Memory, done: Mapping[str, StepRun]
    ) -> AsyncIterator[StepContext]:
        """Make the context of an attempt; `done` are the steps that have their outcome."""
        run, says = plan.lease.run, _Says(plan, step, self.clock)
        vault = self._vault(plan, attempt, done)
        memory.audited.clear()
        expected = self._expected(step, run.run_date, memory, says, done)
        async with AsyncExitStack() as stack, _explaining(vault), _counting(vault, memory):
            yield StepContext(
                org=run.org_slug,
                run_id=run.run_id,
                run_date=run.run_date,
                window=plan.inputs.window,
                step=step,
                variables=plan.variables,
                schemas=self.catalog.schemas,
                warehouse=self.warehouses.of(_authority(plan, step), expected),
                secret=vault.secret,
                vault=vault,
                endpoint=self.catalog.endpoint,
                reading=_LazyReading(self.reader, self._wiring(plan, attempt, vault), stack),
                checkpoint=lambda state: memory.keep(offerings.state(state)),
                progress=says.progress,
                message=says.message,
                log=log.bind(step_id=step.step_id),
                clock=self.clock,
                force_refresh=run.force_refresh,
                saved=memory.state,
                bookmark=lambda: self.journal.bookmark(run.org_slug, run.pipeline_id, step.step_id),
                notify=says.notify,
                outputs={name: ended.output for name, ended in done.items()},
                warehouse_as=lambda provider, project="": self._source(stack, vault, provider, project),
            )

    def _expected(self, step: Step, day: date, memory: Memory, says: _Says, done: Mapping[str, StepRun]) -> Expected:
        async def heard(audited: Audited) -> None:
            memory.hear(audited)
            if audited.failed:
                await says.message(f"{audited.table} is not as expected: {audited.said()}")

        return Expected(day, tuple(self._known(one, done) for one in step.dq), heard)

    def _known(self, one: Expectation, done: Mapping[str, StepRun]) -> Expectation:
        """Return the expectation with what only a run knows; raises FailedError(CONFIG_INVALID)."""
        if one.sql_file:
            one = evolve(one, sql=self.catalog.schemas.sql(one.sql_file))
        if not one.total:
            return one
        step_id, _, name = one.total.partition(".")
        told = done[step_id].output.get(name) if step_id in done else None
        if type(told) is not int:
            message = f"{one.name}: the step {step_id} has told no whole number {name}"
            raise refused(Code.FAILED_PRECONDITION, Reason.CONFIG_INVALID, message)
        return evolve(one, least=Decimal(told), most=Decimal(told))

    async def _source(self, stack: AsyncExitStack, vault: StepVault, provider: str, project: str) -> Source:
        access = Access(project=project)
        if provider:
            known = self.catalog.provider(provider)
            access = Access(known.slug, await vault.secret(provider), known.token_url, project)
        return await stack.enter_async_context(self.sources.open(access))

    def _vault(self, plan: Plan, attempt: StepRun, done: Mapping[str, StepRun]) -> StepVault:
        run = plan.lease.run
        standing = Standing(run.org_slug, run.run_id, attempt, done)
        return StepVault(self.credentials, self.catalog.providers.canonical, plan.kept, standing, self.clock)

    def _wiring(self, plan: Plan, attempt: StepRun, vault: StepVault) -> Wiring:
        async def take(key: str, per_minute: float, burst: int) -> float:
            return await self.journal.take(key, per_minute=per_minute, burst=burst)

        ordinals = itertools.count(1)

        async def receipt(page: Receipt) -> None:
            await plan.recorder.record(PageRead(attempt.step_id, attempt.attempt, page, next(ordinals)))

        def turn(provider: str) -> AbstractAsyncContextManager[None]:
            name = self.catalog.providers.canonical(vault.source(provider))
            return Turns(self.journal, self.clock).take(f"credential {plan.lease.run.org_slug} {name}")

        return Wiring(
            vault.secret,
            take,
            receipt,
            budget_key=plan.lease.run.org_slug,
            store=vault.rotate,
            turn=turn,
            shielded=self.shielded,
        )


@asynccontextmanager
async def _explaining(vault: StepVault) -> AsyncIterator[None]:
    try:
        yield
    except FailedError as error:
        raise await vault.explained(error) from None


@asynccontextmanager
async def _counting(vault: StepVault, memory: Memory) -> AsyncIterator[None]:
    try:
        yield
    finally:
        memory.kms_operations += vault.operations


class _Says:
    """What a step tells whoever watches."""

    def __init__(self, plan: Plan, step: Step, clock: Clock) -> None:
        self._recorder = plan.recorder
        self._step_id = step.step_id
        self._gauge = ProgressGauge(step.step_id, plan.recorder, clock)

    async def progress(self, progress: Progress) -> None:
        await self._gauge.show(offerings.progress(progress))

    async def message(self, text: str) -> None:
        await self._recorder.record(Logged(offerings.text(text), self._step_id))

    async def notify(self, notice: Notice) -> None:
        await self._recorder.record(Noticed(self._step_id, notice))


class _LazyReading:
    """A reading that is opened when it is first read from: most steps never do."""

    def __init__(self, reader: Reader, wiring: Wiring, stack: AsyncExitStack) -> None:
        self._reader = reader
        self._wiring = wiring
        self._stack = stack
        self._opening = asyncio.Lock()
        self._reading: Reading | None = None

    async def pages(self, read: Read) -> AsyncIterator[Page]:
        reading = await self._opened()
        async for page in reading.pages(read):
            yield page

    async def _opened(self) -> Reading:
        async with self._opening:
            if self._reading is None:
                self._reading = await self._stack.enter_async_context(self._reader.open(self._wiring))
            return self._reading


def _authority(plan: Plan, step: Step) -> Authority:
    run, lease = plan.lease.run, plan.lease
    return Authority(run.org_slug, plan.dataset, run.run_id, lease.run_seq, lease.fence, step.step_id)
