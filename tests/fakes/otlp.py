"""A collector of traces: takes what OTLP exporters send by gRPC, and keeps the spans."""

from __future__ import annotations

import asyncio
from typing import Any, Self

import grpc.aio
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Listens on loopback at `endpoint`; `resources` are the attributes that came with the spans."""

    def __init__(self) -> None:
        self.endpoint = ""
        self.spans: list[Span] = []
        self.resources: dict[str, str] = {}
        self._arrived = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._server = grpc.aio.server()
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self._server)
        self.endpoint = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop(0)

    async def Export(self, request: Any, _context: Any) -> Any:  # noqa: N802 - the protocol's name
        async with self._arrived:
            for batch in request.resource_spans:
                self.resources |= {one.key: one.value.string_value for one in batch.resource.attributes}
                self.spans += [span for scope in batch.scope_spans for span in scope.spans]
            self._arrived.notify_all()
        return trace_service_pb2.ExportTraceServiceResponse()

    async def trace(self, trace_id: str, *names: str, seconds: float = 15) -> dict[str, Span]:
        """Wait until the trace has spans of all these names, and return its spans by name."""
        async with asyncio.timeout(seconds), self._arrived:
            await self._arrived.wait_for(lambda: set(names) <= self._named(trace_id).keys())
        return self._named(trace_id)

    def _named(self, trace_id: str) -> dict[str, Span]:
        return {span.name: span for span in self.spans if span.trace_id.hex() == trace_id}
