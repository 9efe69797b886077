"""Where a run's spans belong: in the trace of the call that started it, which has long ended by then."""

from __future__ import annotations

import re

from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from workers.model.run import Run

_TRACE_ID = re.compile(r"[0-9a-f]{1,32}\Z")
_LOW_64 = (1 << 64) - 1


def track(run: Run) -> Context | None:
    """Return the context to start the run's span in; None when the call was not traced, or its trace has no true id.

    The journal keeps the trace's id only. The parent is named after the run, so that all attempts stand side by side.
    """
    if not _TRACE_ID.match(run.trace_id):
        return None
    parent = SpanContext(int(run.trace_id, 16), run.run_id.int & _LOW_64, is_remote=True, trace_flags=TraceFlags(1))
    return set_span_in_context(NonRecordingSpan(parent), Context())
