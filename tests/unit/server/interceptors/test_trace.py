"""Every call has an id, a line in the log and a time; traces go on where the caller's began."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from datapipeline.v1.health_pb2 import GetLivenessRequest
from datapipeline.v1.health_pb2_grpc import HealthServiceStub
from datapipeline.v1.pipelines_pb2 import GetRunRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from server.interceptors.trace import Trace
from tests.fakes.recording_pipelines import RecordingPipelines
from tests.plugins.service import ACME_KEY, AS_ACME, Serve, refusal_of

RUN = GetRunRequest(run_id="0f7b1c9e-43d5-4d5c-9a2b-1e6f8a7b9c0d")
GET_RUN = "/datapipeline.v1.PipelineService/GetRun"
TRACE_ID, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("given", "answered"),
    [("abc-1.2_3", "abc-1.2_3"), ("", "made-1"), ("a b", "made-1"), ("x" * 65, "made-1"), ("<x>", "made-1")],
)
async def test_a_sane_request_id_is_kept_and_any_other_replaced(serve: Serve, given: str, answered: str) -> None:
    served = await serve(RecordingPipelines())
    call = served.pipelines.GetRun(RUN, metadata=(*AS_ACME, ("x-request-id", given)))
    await call
    assert dict(await call.trailing_metadata())["x-request-id"] == answered


async def test_each_call_is_one_line_without_its_key(serve: Serve) -> None:
    served = await serve(RecordingPipelines())
    with capture_logs() as lines:
        await served.pipelines.GetRun(RUN, metadata=AS_ACME)
        await refusal_of(served.pipelines.GetRun(GetRunRequest(), metadata=AS_ACME))
    assert [(line["event"], line["method"], line["code"], line["org"]) for line in lines] == [
        ("rpc", GET_RUN, "OK", "acme"),
        ("rpc", GET_RUN, "INVALID_ARGUMENT", "acme"),
    ]
    assert lines[1]["reason"] == "REQUEST_INVALID"
    assert ACME_KEY not in repr(lines)


async def test_healthy_probes_do_not_fill_the_log(serve: Serve) -> None:
    served = await serve(RecordingPipelines())
    with capture_logs() as lines:
        await HealthServiceStub(served.channel).GetLiveness(GetLivenessRequest())
    assert not lines


def _count(method: str, code: str) -> float:
    return REGISTRY.get_sample_value("rpc_seconds_count", {"method": method, "code": code}) or 0.0


async def test_each_call_is_timed_by_method_and_code(serve: Serve) -> None:
    served = await serve(RecordingPipelines())
    before = _count(GET_RUN, "OK")
    await served.pipelines.GetRun(RUN, metadata=AS_ACME)
    assert _count(GET_RUN, "OK") == before + 1


async def test_methods_that_do_not_exist_share_one_time_series(serve: Serve) -> None:
    served = await serve(RecordingPipelines())
    before, channel = _count("unknown", "UNIMPLEMENTED"), served.channel
    for number in range(3):
        await refusal_of(channel.unary_unary(f"/x/{number}", bytes, bytes)(b""))
    assert _count("unknown", "UNIMPLEMENTED") == before + 3


def _traced(exporter: InMemorySpanExporter) -> Any:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    numbers = iter(range(100))
    tracer = provider.get_tracer("test")
    return lambda _book, clock: Trace(lambda: f"made-{next(numbers)}", clock.monotonic, tracer)


async def test_the_callers_trace_goes_on_and_its_id_is_told_to_the_service(serve: Serve) -> None:
    exporter, behind = InMemorySpanExporter(), RecordingPipelines()
    served = await serve(behind, trace=_traced(exporter))
    await served.pipelines.GetRun(RUN, metadata=(*AS_ACME, ("traceparent", f"00-{TRACE_ID}-{PARENT}-01")))
    (span,) = exporter.get_finished_spans()
    assert behind.reached[0].trace_id == TRACE_ID
    assert (f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE_ID, PARENT)  # type: ignore[union-attr]
    assert ACME_KEY not in span.to_json()


@pytest.mark.parametrize("parent", ["", "00-zz-yy-01", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
async def test_a_broken_traceparent_begins_a_new_trace(serve: Serve, parent: str) -> None:
    behind = RecordingPipelines()
    served = await serve(behind, trace=_traced(InMemorySpanExporter()))
    await served.pipelines.GetRun(RUN, metadata=(*AS_ACME, ("traceparent", parent)))
    assert int(behind.reached[0].trace_id, 16) != 0


async def test_without_tracing_a_call_has_no_trace_id(serve: Serve) -> None:
    behind = RecordingPipelines()
    served = await serve(behind)
    await served.pipelines.GetRun(RUN, metadata=(*AS_ACME, ("traceparent", f"00-{TRACE_ID}-{PARENT}-01")))
    assert behind.reached[0].trace_id == ""


async def test_a_cancelled_call_is_logged_as_cancelled(serve: Serve) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def wait(_request: Any, _call: Any) -> Any:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    served = await serve(RecordingPipelines(instead=wait))
    before = _count(GET_RUN, "CANCELLED")
    call = served.pipelines.GetRun(RUN, metadata=AS_ACME)
    async with asyncio.timeout(5):
        await started.wait()
        call.cancel()
        await ended.wait()
    assert _count(GET_RUN, "CANCELLED") == before + 1
