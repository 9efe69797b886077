"""A collector of traces: takes what OTLP exporters send by gRPC, and keeps the spans."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.fakes.until import until


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Listens on loopback at `endpoint`; `resources` are the attributes that came with the spans.

    It answers from a thread of its own: an exporter drops what is not taken within seconds, and tests that are no
    coroutines hold the loop for longer.
    """

    def __init__(self) -> None:
        self.endpoint = ""
        self.spans: list[Span] = []
        self.resources: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        self._server = grpc.server(ThreadPoolExecutor(1, thread_name_prefix="collector"))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self._server)
        self.endpoint = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.stop(0).wait()

    def Export(self, request: Any, _context: Any) -> Any:  # noqa: N802 - the protocol's name
        for batch in request.resource_spans:
            self.resources |= {one.key: one.value.string_value for one in batch.resource.attributes}
            self.spans += [span for scope in batch.scope_spans for span in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()

    async def trace(self, trace_id: str, *names: str, seconds: float = 15) -> dict[str, Span]:
        """Wait until the trace has spans of all these names, and return its spans by name."""

        async def all_of_them() -> dict[str, Span]:
            found = self._named(trace_id)
            return found if set(names) <= found.keys() else {}

        return await until(all_of_them, seconds)

    def _named(self, trace_id: str) -> dict[str, Span]:
        return {span.name: span for span in list(self.spans) if span.trace_id.hex() == trace_id}
