from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

from opentelemetry.trace import get_current_span

from workers.model.run import Run, RunStatus
from workers.runtime.tracks import track

NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
RUN = UUID("01900000-0000-4000-8000-00000000002a")


def run(trace_id: str) -> Run:
    names = ("acme", "openai", "cost", "usage_cost", "acme-openai-cost-usage_cost", "hash")
    return Run(RUN, *names, RunStatus.RUNNING, NOON, date(2025, 6, 14), trace_id=trace_id)


def test_a_run_goes_on_in_the_trace_of_its_call() -> None:
    parent = get_current_span(track(run(TRACE))).get_span_context()
    assert f"{parent.trace_id:032x}" == TRACE
    assert (parent.is_valid, parent.is_remote, parent.trace_flags.sampled) == (True, True, True)


def test_every_attempt_of_a_run_has_the_same_parent() -> None:
    spans = {get_current_span(track(run(TRACE))).get_span_context().span_id for _ in range(2)}
    assert spans == {RUN.int & (2**64 - 1)}


def test_a_run_whose_call_was_not_traced_starts_a_trace_of_its_own() -> None:
    assert track(run("")) is None
