"""The door for runs: refuses in the documented order, then writes one row. Nothing here touches the work."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from attrs import evolve, field, frozen

from workers.catalog import Catalog
from workers.catalog.orgs import Directory
from workers.model.admission import obstacles
from workers.model.failure import Code, FailedError, Failure, Reason, refused
from workers.model.lease import Added, KnownKey, LaneTerms, NewRun
from workers.model.org import Org
from workers.model.parameters import Inputs
from workers.model.pipeline import Pipeline
from workers.model.run import Run, RunStatus, StepRun, StepStatus, TriggerType
from workers.model.timetable import USUAL_PRIORITY
from workers.ports import Clock, Intake, Row

NOT_HASHED = frozenset({"trigger_by", "force_refresh"})


@frozen
class Submission:
    """What a caller wants run; `parameters` are as they came, untyped, `audit` is the row that tells who asked.

    `day` is the UTC day that the run is asked for; today when none is named.
    """

    org: str
    provider: str
    domain: str
    pipeline: str
    parameters: Mapping[str, Any] = field(factory=dict)
    idempotency_key: str | None = None
    key_id: str = ""
    trace_id: str = ""
    trigger_type: TriggerType = TriggerType.API
    audit: Row | None = None
    priority: int = USUAL_PRIORITY
    day: date | None = None


@frozen
class Accepted:
    """The receipt of an accepted run; `audited` says that the caller's audit row went with it."""

    run_id: UUID
    pipeline_id: str
    status: RunStatus
    existing: bool
    audited: bool = False


@frozen
class Bounds:
    """What holds for an organisation whose subscription does not say, and where it can mend what is refused."""

    concurrent_runs: int = 5
    waiting_runs: int = 1000
    mend_at: str = ""


class Acceptance:
    """Turns a submission into a journalled run."""

    def __init__(
        self,
        catalog: Catalog,
        directory: Directory,
        journal: Intake,
        clock: Clock,
        new_id: Callable[[], UUID],
        bounds: Bounds,
    ) -> None:
        self._catalog = catalog
        self._directory = directory
        self._journal = journal
        self._clock = clock
        self._new_id = new_id
        self._bounds = bounds

    async def accept(self, wanted: Submission) -> Accepted:
        """Accept a run or return the one that stands for it already; raises FailedError in the documented order."""
        pipeline, inputs = self._typed(wanted)
        body = digest({"path": pipeline.path, "parameters": dict(wanted.parameters)})
        known = await self._by_key(wanted.org, wanted.idempotency_key, body)
        if known is not None:
            return Accepted(known.run_id, pipeline.pipeline_id(wanted.org), known.status, existing=True)
        org = await self._allowed(wanted.org, pipeline)
        new = self._new_run(wanted, pipeline, inputs, org, body)
        return _receipt(await self._journal.add(new), new)

    async def hindrances(self, slug: str, pipelines: Iterable[Pipeline]) -> tuple[tuple[Failure, ...], ...]:
        """Return for each pipeline what keeps the organisation from running it now, in the order of the refusals."""
        org = await self._directory.org(slug)
        return tuple(tuple(self._obstacles(org, pipeline)) for pipeline in pipelines)

    async def prepare(self, wanted: Submission, of: Run | None = None) -> NewRun:
        """Return the run that `accept` would add, or a retry of `of`; raises as it does, but knows no key."""
        pipeline, inputs = self._typed(wanted)
        org = await self._allowed(wanted.org, pipeline)
        if of is None:
            return self._new_run(wanted, pipeline, inputs, org, "")
        return self._new_run(wanted, pipeline, inputs, org, "", retry_of=of.run_id, adopt=_adopted(of, pipeline))

    async def retry(
        self,
        org_slug: str,
        run_id: UUID,
        key_id: str,
        trace_id: str = "",
        idempotency_key: str | None = None,
        audit: Row | None = None,
    ) -> Accepted:
        """Start a new run that adopts the succeeded steps of an ended one.

        While an earlier retry of the same run is live, that one is returned; so is the run of a known key. Steps are
        adopted only while the pipeline's declaration is what it was; otherwise all are done again.
        """
        run = await self._known(org_slug, run_id)
        body = digest({"retry_of": str(run_id)})
        known = await self._by_key(org_slug, idempotency_key, body)
        if known is not None:
            return Accepted(known.run_id, run.pipeline_id, known.status, existing=True)
        if not run.status.terminal or run.status is RunStatus.COMPLETED:
            raise refused(Code.FAILED_PRECONDITION, Reason.RUN_NOT_RETRYABLE, _not_retryable(run.status))
        new = await self.prepare(_again(run, key_id, trace_id, idempotency_key, audit), run)
        new = evolve(new, body_hash=body)
        return _receipt(await self._journal.add(new), new)

    async def _known(self, org_slug: str, run_id: UUID) -> Run:
        run = await self._journal.find_run(org_slug, run_id)
        if run is None:
            raise refused(Code.NOT_FOUND, Reason.RUN_NOT_FOUND, "there is no such run")
        return run

    async def _by_key(self, org_slug: str, key: str | None, body: str) -> KnownKey | None:
        """Return what a key stands for; raises IDEMPOTENCY_MISMATCH when that is another body."""
        known = await self._journal.find_key(org_slug, key) if key is not None else None
        if known is not None and known.body_hash != body:
            raise mismatch()
        return known

    def _typed(self, wanted: Submission) -> tuple[Pipeline, Inputs]:
        pipeline = self._find(wanted)
        return pipeline, self._catalog.inputs(pipeline, wanted.parameters, wanted.day or self._clock.now().date())

    def _find(self, wanted: Submission) -> Pipeline:
        pipeline = self._catalog.find(wanted.provider, wanted.domain, wanted.pipeline)
        if pipeline is None:
            path = f"{wanted.provider}/{wanted.domain}/{wanted.pipeline}"
            raise refused(Code.NOT_FOUND, Reason.PIPELINE_NOT_FOUND, f"there is no pipeline {path}", pipeline=path)
        return pipeline

    async def _allowed(self, slug: str, pipeline: Pipeline) -> Org:
        org = await self._directory.org(slug)
        for failure in self._obstacles(org, pipeline):
            raise FailedError(failure)
        if org is None:
            raise AssertionError("an organisation that is not known has an obstacle")
        return org

    def _obstacles(self, org: Org | None, pipeline: Pipeline) -> Iterator[Failure]:
        return obstacles(org, pipeline.integration_required, self._clock.now().date(), self._bounds.mend_at)

    def _terms(self, org: Org) -> LaneTerms:
        subscription = org.subscription
        if subscription is None:
            return LaneTerms(self._bounds.concurrent_runs, waiting_limit=self._bounds.waiting_runs)
        return LaneTerms(
            subscription.concurrent_limit or self._bounds.concurrent_runs,
            subscription.weight,
            subscription.daily_limit,
            subscription.monthly_limit,
            self._bounds.waiting_runs,
        )

    def _new_run(
        self,
        wanted: Submission,
        pipeline: Pipeline,
        inputs: Inputs,
        org: Org,
        body: str,
        *,
        retry_of: UUID | None = None,
        adopt: tuple[str, ...] = (),
    ) -> NewRun:
        hashed = {name: value for name, value in inputs.parameters.items() if name not in NOT_HASHED}
        return NewRun(
            run_id=self._new_id(),
            org_slug=wanted.org,
            provider=pipeline.provider,
            domain=pipeline.domain,
            pipeline=pipeline.pipeline,
            pipeline_id=pipeline.pipeline_id(wanted.org),
            config_hash=pipeline.config_hash,
            run_date=inputs.run_date,
            parameters=inputs.parameters,
            parameters_hash=digest({"path": pipeline.path, "parameters": hashed}),
            steps=tuple(StepRun(step.step_id, step.ps_type) for step in pipeline.steps),
            terms=self._terms(org),
            trigger_type=wanted.trigger_type,
            trigger_by=inputs.trigger_by,
            key_id=wanted.key_id,
            idempotency_key=wanted.idempotency_key,
            body_hash=body,
            force_refresh=inputs.force_refresh,
            retry_of=retry_of,
            adopt=adopt,
            priority=wanted.priority,
            trace_id=wanted.trace_id,
            audit=wanted.audit,
        )


def _adopted(run: Run, pipeline: Pipeline) -> tuple[str, ...]:
    """Return the steps a retry need not do again, never those at the end; none once the declaration has changed."""
    if pipeline.config_hash != run.config_hash:
        return ()
    triggered = {step.step_id for step in pipeline.steps if step.trigger}
    done = (step.step_id for step in run.steps if step.status is StepStatus.COMPLETED)
    return tuple(name for name in done if name not in triggered)


def _again(run: Run, key_id: str, trace_id: str, key: str | None, audit: Row | None) -> Submission:
    return Submission(
        run.org_slug,
        run.provider,
        run.domain,
        run.pipeline,
        run.parameters,
        key,
        key_id,
        trace_id,
        TriggerType.RETRY,
        audit,
    )


def digest(value: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of a mapping; equal mappings have equal digests."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def mismatch() -> Exception:
    """Build the refusal of a key that stands for another body."""
    return refused(
        Code.ALREADY_EXISTS, Reason.IDEMPOTENCY_MISMATCH, "the idempotency key was used for another request body"
    )


def _not_retryable(status: RunStatus) -> str:
    wait = "it completed" if status is RunStatus.COMPLETED else f"it is still {status}; wait for its end or cancel it"
    return f"the run cannot be retried: {wait}"


def _receipt(added: Added, new: NewRun) -> Accepted:
    return Accepted(added.run_id, new.pipeline_id, added.status, added.existing, new.audit is not None)
