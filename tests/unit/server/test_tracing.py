"""Spans reach a real OTLP receiver; a collector that is away or stuck costs spans and no time."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
import pytest
from attrs import define, field
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from server.tracing import BoundedSpans, Tracing, dropped
from tests.fakes.until import until


@define(eq=False)
class Receiver(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps what is exported to it."""

    names: list[str] = field(factory=list)
    resource: dict[str, str] = field(factory=dict)

    async def Export(self, request: Any, _context: Any) -> Any:  # noqa: N802 - the protocol's name
        for resource in request.resource_spans:
            self.resource |= {one.key: one.value.string_value for one in resource.resource.attributes}
            self.names += [span.name for scope in resource.scope_spans for span in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()


@pytest.fixture
async def collector() -> AsyncIterator[tuple[str, Receiver]]:
    receiver, server = Receiver(), grpc.aio.server()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(receiver, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"http://127.0.0.1:{port}", receiver
    await server.stop(0)


async def test_spans_arrive_at_a_collector_with_the_services_name(collector: tuple[str, Receiver]) -> None:
    endpoint, receiver = collector
    tracing = Tracing(endpoint, "1.2.3", "test")
    with tracing.provider.get_tracer("t").start_as_current_span("one"):
        pass

    async def arrived() -> bool:
        return receiver.names == ["one"]

    await until(arrived)
    assert receiver.resource["service.name"] == "data-pipeline-service"
    assert receiver.resource["service.version"] == "1.2.3"
    tracing.close()


class Stuck(SpanExporter):
    """Lets nothing through until told to."""

    def __init__(self) -> None:
        self.go, self.entered = threading.Event(), threading.Event()
        self.result = SpanExportResult.SUCCESS
        self.count = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.entered.set()
        self.go.wait(10)
        self.count += len(spans)
        return self.result

    def shutdown(self) -> None:
        self.go.set()


def lost(why: str) -> float:
    value: float = dropped.labels(why)._value.get()
    return value


def make(provider: TracerProvider, count: int) -> None:
    for _ in range(count):
        provider.get_tracer("t").start_span("s").end()


def bounded(exporter: SpanExporter, most: int) -> TracerProvider:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BoundedSpans(exporter, most=most, delay_seconds=0.01))
    return provider


@pytest.mark.fault("F66")
def test_what_a_stuck_collector_does_not_take_is_dropped_and_counted() -> None:
    exporter, before = Stuck(), lost("full")
    provider = bounded(exporter, most=10)
    make(provider, 1)
    assert exporter.entered.wait(5)
    make(provider, 25)
    assert lost("full") - before == 15
    exporter.go.set()
    provider.shutdown()
    assert exporter.count == 11


def test_what_a_collector_refuses_is_counted() -> None:
    exporter, before = Stuck(), lost("refused")
    exporter.result = SpanExportResult.FAILURE
    exporter.go.set()
    provider = bounded(exporter, most=10)
    make(provider, 3)
    provider.shutdown()
    assert lost("refused") - before == 3


@pytest.mark.fault("F66")
def test_closing_waits_only_so_long_for_a_collector_that_is_away() -> None:
    tracing = Tracing("http://127.0.0.1:1", "1", "test")
    make(tracing.provider, 5)
    started = time.monotonic()
    tracing.close(seconds=0.2)
    assert time.monotonic() - started < 2
