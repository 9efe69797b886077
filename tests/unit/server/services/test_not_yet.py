"""Methods of the contract that are not done yet answer so, through the same guards as all others."""

from __future__ import annotations

import pytest
from datapipeline.v1 import scheduler_pb2_grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from server import grpc as assembly
from server.services.health import HealthService
from server.services.not_yet import not_yet
from server.services.pipelines import PipelineService
from server.services.procedures import ProcedureService
from server.services.scheduler import SchedulerService
from tests.fakes.recording_pipelines import RecordingPipelines
from tests.plugins.service import AS_ACME, AS_ROOT, Serve, refusal_of

WAITING = [method for service in assembly.OURS if service.name == "ProcedureService" for method in service.methods]
VALUES = {"name": "p1"}
SERVICES = (PipelineService, SchedulerService, ProcedureService, HealthService)


def example(method: MethodDescriptor) -> bytes:
    """A request that breaks no rule."""
    request = GetMessageClass(method.input_type)()
    for field in method.input_type.fields:
        if field.name in VALUES:
            setattr(request, field.name, VALUES[field.name])
    return request.SerializeToString()


@pytest.mark.parametrize("method", WAITING, ids=lambda method: method.name)
async def test_each_names_itself_and_says_that_it_comes_later(serve: Serve, method: MethodDescriptor) -> None:
    served = await serve(RecordingPipelines())
    path = f"/{method.containing_service.full_name}/{method.name}"
    as_caller = AS_ROOT if method.containing_service.name == "ProcedureService" else AS_ACME
    refusal = await refusal_of(served.channel.unary_unary(path, bytes, bytes)(example(method), metadata=as_caller))
    assert (refusal.code, refusal.reason, refusal.metadata) == (
        "UNIMPLEMENTED",
        "NOT_IMPLEMENTED",
        {"method": method.name},
    )


async def test_a_method_that_is_written_stands() -> None:
    @not_yet
    class Some(scheduler_pb2_grpc.SchedulerServiceServicer):
        async def GetQueue(self, _request: object, _call: object) -> str:  # noqa: N802 - the contract's name
            return "written"

    assert await Some().GetQueue(None, None) == "written"


def test_planning_is_all_that_comes_later() -> None:
    methods = {
        method.name: getattr(service, method.name).__module__
        for service in SERVICES
        for known in assembly.OURS
        if known.name == service.__name__
        for method in known.methods
    }
    assert len(methods) == sum(len(service.methods) for service in assembly.OURS)
    later = {name for name, module in methods.items() if not module.startswith("server.services.")}
    later |= {name for name, module in methods.items() if module == not_yet.__module__}
    assert later == {"PlanRun"}
