"""Health by both protocols, from one truth."""

from __future__ import annotations

from datapipeline.v1.health_pb2 import GetHealthRequest, GetLivenessRequest, GetReadinessRequest
from datapipeline.v1.health_pb2_grpc import HealthServiceStub
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from server.health import Health
from tests.fakes.recording_pipelines import RecordingPipelines
from tests.plugins.service import Serve, Served, refusal_of

SERVING, NOT_SERVING = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING


def standard(served: Served) -> HealthStub:
    return HealthStub(served.channel)


async def test_a_service_that_takes_work_says_so_to_everybody(serve: Serve) -> None:
    served = await serve(RecordingPipelines())
    ours = HealthServiceStub(served.channel)
    assert (await ours.GetHealth(GetHealthRequest())).status == "healthy"
    assert (await ours.GetReadiness(GetReadinessRequest())).status == "ready"
    for name in ("", "datapipeline.v1.PipelineService"):
        assert (await standard(served).Check(HealthCheckRequest(service=name))).status == SERVING


async def test_a_service_that_only_starts_is_not_ready_yet() -> None:
    health = await Health.starting(["x"])
    for name in ("", "x"):
        assert (await health.servicer.Check(HealthCheckRequest(service=name), None)).status == NOT_SERVING


async def test_a_stopping_service_lives_but_is_not_ready(serve: Serve) -> None:
    served = await serve(RecordingPipelines())
    await served.health.set(serving=False)
    ours = HealthServiceStub(served.channel)
    for call in (ours.GetHealth(GetHealthRequest()), ours.GetReadiness(GetReadinessRequest())):
        assert (await refusal_of(call)).code == "UNAVAILABLE"
    assert (await ours.GetLiveness(GetLivenessRequest())).status == "alive"
    assert (await standard(served).Check(HealthCheckRequest())).status == NOT_SERVING


async def test_a_watcher_sees_the_change(serve: Serve) -> None:
    served = await serve(RecordingPipelines())
    watch = standard(served).Watch(HealthCheckRequest())
    assert (await watch.read()).status == SERVING
    await served.health.set(serving=False)
    assert (await watch.read()).status == NOT_SERVING
    watch.cancel()


async def test_an_unknown_service_is_not_found(serve: Serve) -> None:
    served = await serve(RecordingPipelines())
    refusal = await refusal_of(standard(served).Check(HealthCheckRequest(service="nobody")))
    assert refusal.code == "NOT_FOUND"
