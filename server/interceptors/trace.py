"""Outermost guard: names the call, times it, logs one line, and continues the caller's trace when tracing is on."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import structlog
from attrs import frozen
from opentelemetry.trace import SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from server.call import OK, Call
from server.interceptors.meters import rpc_seconds
from workers.model.failure import Code

SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
QUIET = ("/grpc.health.", "/datapipeline.v1.HealthService/")

log = structlog.get_logger()
_propagator = TraceContextTextMapPropagator()


@frozen
class Trace:
    """`new_id` makes request ids; without a `tracer` no spans are made and the call has no trace id."""

    new_id: Callable[[], str]
    monotonic: Callable[[], float]
    tracer: Tracer | None = None

    @asynccontextmanager
    async def __call__(self, call: Call) -> AsyncIterator[None]:
        """Enter the call."""
        started = self.monotonic()
        call.request_id = self._request_id(call)
        structlog.contextvars.bind_contextvars(request_id=call.request_id)
        with self._span(call):
            try:
                yield
            except asyncio.CancelledError:
                call.code = Code.CANCELLED.value
                raise
            finally:
                self._tell(call, self.monotonic() - started)

    def _request_id(self, call: Call) -> str:
        given = call.header("x-request-id")
        return given if given and SANE_ID.match(given) else self.new_id()

    @contextmanager
    def _span(self, call: Call) -> Iterator[None]:
        if self.tracer is None:
            yield
            return
        carrier = {name: call.header(name) or "" for name in ("traceparent", "tracestate")}
        parent = _propagator.extract(carrier)
        name = call.method.removeprefix("/")
        with self.tracer.start_as_current_span(name, parent, SpanKind.SERVER, record_exception=False) as span:
            call.trace_id = f"{span.get_span_context().trace_id:032x}"
            try:
                yield
            finally:
                span.set_attribute("rpc.system", "grpc")
                span.set_attribute("rpc.grpc.status", call.code)
                span.set_attribute("request_id", call.request_id)
                if call.code in {Code.INTERNAL, Code.UNAVAILABLE}:
                    span.set_status(StatusCode.ERROR, call.code)

    def _tell(self, call: Call, seconds: float) -> None:
        # A caller may name methods that do not exist as often as it likes; they share one time series.
        rpc_seconds.labels(call.method if call.exists else "unknown", call.code).observe(seconds)
        if call.code == OK and call.method.startswith(QUIET):
            return
        say = log.error if call.code == Code.INTERNAL else log.info
        say(
            "rpc",
            method=call.method[:200],
            code=call.code,
            reason=call.failure.reason.value if call.failure else None,
            ms=round(seconds * 1000, 2),
            org=call.principal.org_slug,
            key_id=call.principal.key_id or None,
            trace_id=call.trace_id or None,
        )
