"""Spans on their way to an OTLP collector: a bounded number waits, the rest is dropped and counted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from prometheus_client import Counter

dropped = Counter("spans_dropped_total", "Spans that did not reach the collector", ["why"])

MOST_WAITING = 2048
EXPORT_SECONDS = 5
SERVICE = "data-pipeline-service"


class BoundedSpans(SpanProcessor):
    """Batches spans; neither a slow nor an absent collector holds up who ends a span."""

    def __init__(self, exporter: SpanExporter, most: int = MOST_WAITING, delay_seconds: float = 1.0) -> None:
        self._most = most
        self._waiting = 0
        self._lock = threading.Lock()
        self._batches = BatchSpanProcessor(
            _Counted(exporter, self._gone),
            max_queue_size=most,
            max_export_batch_size=min(512, most),
            schedule_delay_millis=delay_seconds * 1000,
        )

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Need not know."""

    def on_end(self, span: ReadableSpan) -> None:
        """Take a sampled span, or drop it when too many wait."""
        if span.context is None or not span.context.trace_flags.sampled:
            return
        with self._lock:
            full = self._waiting >= self._most
            self._waiting += not full
        if full:
            dropped.labels("full").inc()
        else:
            self._batches.on_end(span)

    def shutdown(self) -> None:
        """Send what waits."""
        self._batches.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what waits, now."""
        return self._batches.force_flush(timeout_millis)

    def _gone(self, count: int) -> None:
        with self._lock:
            self._waiting -= count


class _Counted(SpanExporter):
    """Tells when spans have left the queue, and counts those that the collector did not take."""

    def __init__(self, exporter: SpanExporter, gone: Callable[[int], None]) -> None:
        self._exporter = exporter
        self._gone = gone

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._gone(len(spans))
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            dropped.labels("refused").inc(len(spans))
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


class Tracing:
    """A provider that sends to `endpoint` (http:// is plain, https:// is TLS)."""

    def __init__(self, endpoint: str, version: str, environment: str) -> None:
        exporter = OTLPSpanExporter(endpoint=endpoint, insecure=endpoint.startswith("http://"), timeout=EXPORT_SECONDS)
        attributes = {
            "service.name": SERVICE,
            "service.version": version,
            "deployment.environment.name": environment,
        }
        self.provider = TracerProvider(resource=Resource.create(attributes), shutdown_on_exit=False)
        self.provider.add_span_processor(BoundedSpans(exporter))

    def close(self, seconds: float = 2.0) -> None:
        """Send what waits, for at most this long; a collector that is stuck does not hold up the exit."""
        ending = threading.Thread(target=self.provider.shutdown, name="tracing-end", daemon=True)
        ending.start()
        ending.join(seconds)
