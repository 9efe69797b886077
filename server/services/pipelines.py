"""PipelineService: protobuf in, runtime asked, protobuf out. Every method stays inside the caller's organisation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import cast
from uuid import UUID

from attrs import frozen
from datapipeline.v1 import pipelines_pb2, pipelines_pb2_grpc, run_pb2

from server.call import Call
from server.convert import requests
from server.convert.explanations import explained_message
from server.convert.pipelines import pipeline_message
from server.convert.runs import event_message, run_message
from server.convert.tokens import PageTokens
from server.services.not_yet import not_yet
from workers.catalog import Catalog
from workers.model.failure import Code, FailedError, Failure, Reason, refused
from workers.model.run import EventType, Run, RunError, RunEvent, RunStatus
from workers.model.timetable import Schedule
from workers.ports import Clock, Intake, Timetable
from workers.runtime.explain import Explain
from workers.runtime.intake import Acceptance, Accepted, Submission
from workers.runtime.watch import Watch


@not_yet
@frozen
class PipelineService(pipelines_pb2_grpc.PipelineServiceServicer):
    """Runs pipelines and tells about their runs."""

    acceptance: Acceptance
    journal: Intake
    timetable: Timetable
    watch: Watch
    explain: Explain
    catalog: Catalog
    tokens: PageTokens
    clock: Clock

    async def RunPipeline(
        self, request: pipelines_pb2.RunPipelineRequest, call: Call
    ) -> pipelines_pb2.RunPipelineResponse:
        """Accept a run durably; raises what the runtime refuses."""
        wanted = Submission(
            org=call.org,
            provider=request.provider,
            domain=requests.domain_of(request.domain),
            pipeline=request.pipeline,
            parameters=requests.parameters_of(request.parameters),
            idempotency_key=requests.idempotency_key_of(call.metadata.get("idempotency-key", ())),
            key_id=call.principal.key_id,
            trace_id=call.trace_id,
            audit=call.audit,
        )
        accepted = await self.acceptance.accept(wanted)
        call.audited = accepted.audited
        return _receipt(accepted, call.org)

    async def GetRun(self, request: pipelines_pb2.GetRunRequest, call: Call) -> run_pb2.Run:
        """Return a run with its steps."""
        return self._shown(await self.journal.find_run(call.org, UUID(request.run_id)))

    async def ListRuns(self, request: pipelines_pb2.ListRunsRequest, call: Call) -> pipelines_pb2.ListRunsResponse:
        """Return one page; a token stands for this organisation and these filters."""
        bound_to = (call.org, request.pipeline_id, request.status)
        size = requests.page_size_of(request.page_size, request.limit)
        found = await self.journal.list_runs(
            call.org,
            pipeline_id=request.pipeline_id,
            status=RunStatus(request.status) if request.status else None,
            before=self.tokens.read(request.page_token, *bound_to),
            limit=size + 1,
        )
        page = found[:size]
        more = len(found) > size
        return pipelines_pb2.ListRunsResponse(
            runs=[run_message(run, self.clock.now()) for run in page],
            next_page_token=self.tokens.make((page[-1].created_at, page[-1].run_id), *bound_to) if more else "",
        )

    async def WatchRun(self, request: pipelines_pb2.WatchRunRequest, call: Call) -> AsyncIterator[run_pb2.RunEvent]:
        """Yield events until the terminal one; when the caller may hear no more, one that says so, and raise that."""
        events = cast("AsyncGenerator[RunEvent]", self.watch.follow(call.org, UUID(request.run_id), request.after))
        heard = request.after
        async with aclosing(events):
            async for event in events:
                try:
                    yield event_message(event)
                except FailedError as error:
                    yield event_message(self._farewell(heard, error.failure))
                    raise
                heard = event.sequence

    async def CancelRun(self, request: pipelines_pb2.CancelRunRequest, call: Call) -> run_pb2.Run:
        """Ask a run to stop."""
        run = await self.journal.cancel(call.org, UUID(request.run_id), call.audit)
        call.audited = run is not None
        return self._shown(run)

    async def RetryRun(self, request: pipelines_pb2.RetryRunRequest, call: Call) -> run_pb2.Run:
        """Start a new run that goes on where an ended one stopped."""
        accepted = await self.acceptance.retry(
            call.org,
            UUID(request.run_id),
            call.principal.key_id,
            call.trace_id,
            requests.idempotency_key_of(call.metadata.get("idempotency-key", ())),
            call.audit,
        )
        call.audited = accepted.audited
        return self._shown(await self.journal.find_run(call.org, accepted.run_id))

    async def ExplainRun(
        self, request: pipelines_pb2.ExplainRunRequest, call: Call
    ) -> pipelines_pb2.ExplainRunResponse:
        """Return why a run is not further."""
        run_id = UUID(request.run_id)
        return explained_message(run_id, await self.explain.explain(call.org, run_id))

    async def ListPipelines(
        self, _request: pipelines_pb2.ListPipelinesRequest, call: Call
    ) -> pipelines_pb2.ListPipelinesResponse:
        """Return the declared pipelines by path, as they stand for the caller's organisation."""
        declared = sorted(self.catalog.pipelines.values(), key=lambda pipeline: pipeline.path)
        put: defaultdict[str, list[Schedule]] = defaultdict(list)
        for schedule in await self.timetable.list_schedules(call.org):
            put[schedule.pipeline_id].append(schedule)
        hindrances = await self.acceptance.hindrances(call.org, declared)
        return pipelines_pb2.ListPipelinesResponse(
            pipelines=[
                pipeline_message(pipeline, call.org, put[pipeline.pipeline_id(call.org)], hindered)
                for pipeline, hindered in zip(declared, hindrances, strict=True)
            ]
        )

    def _farewell(self, heard: int, failure: Failure) -> RunEvent:
        return RunEvent(heard, self.clock.now(), EventType.TERMINAL, error=RunError.of(failure))

    def _shown(self, run: Run | None) -> run_pb2.Run:
        if run is None:
            raise _absent()
        return run_message(run, self.clock.now())


def _absent() -> FailedError:
    """Build the one answer for a run of another organisation and for one that never was."""
    return refused(Code.NOT_FOUND, Reason.RUN_NOT_FOUND, "there is no such run")


def _receipt(accepted: Accepted, org: str) -> pipelines_pb2.RunPipelineResponse:
    run_id = str(accepted.run_id)
    return pipelines_pb2.RunPipelineResponse(
        run_id=run_id,
        pipeline_logging_id=run_id,
        pipeline_id=accepted.pipeline_id,
        org_slug=org,
        status=accepted.status.value,
        message="this run stands for the request already" if accepted.existing else "the run is accepted",
        existing=accepted.existing,
    )
