"""Runs, their steps and their events as the contract shows them."""

from __future__ import annotations

from datetime import datetime

from datapipeline.v1 import run_pb2

from server.convert.values import struct_of, timestamp_of
from workers.model.run import Progress, Run, RunError, RunEvent, StepRun


def run_message(run: Run, now: datetime) -> run_pb2.Run:
    """Return the run; the duration of a live one ends at `now`."""
    return run_pb2.Run(
        run_id=str(run.run_id),
        pipeline_id=run.pipeline_id,
        org_slug=run.org_slug,
        status=run.status.value,
        trigger_type=run.trigger_type.value,
        trigger_by=run.trigger_by,
        parameters=struct_of(run.parameters),
        run_date=run.run_date.isoformat(),
        config_hash=run.config_hash,
        attempt=run.attempt,
        created_at=timestamp_of(run.created_at),
        start_time=timestamp_of(run.start_time),
        end_time=timestamp_of(run.end_time),
        duration_ms=_duration(run, now),
        error=_error(run.error),
        steps=[_step(step) for step in run.steps],
        retry_of=str(run.retry_of or ""),
        trace_id=run.trace_id,
    )


def event_message(event: RunEvent) -> run_pb2.RunEvent:
    """Return the event."""
    return run_pb2.RunEvent(
        sequence=event.sequence,
        time=timestamp_of(event.time),
        type=event.type.value,
        step_id=event.step_id,
        status=event.status,
        progress=_progress(event.progress),
        message=event.message,
        error=_error(event.error),
    )


def _duration(run: Run, now: datetime) -> float:
    if run.start_time is None:
        return 0.0
    milliseconds = ((run.end_time or now) - run.start_time).total_seconds() * 1000
    return max(0.0, float(round(milliseconds)))


def _step(step: StepRun) -> run_pb2.Step:
    return run_pb2.Step(
        step_id=step.step_id,
        ps_type=step.ps_type,
        status=step.status.value,
        rows=step.rows,
        bytes=step.bytes,
        attempt=step.attempt,
        start_time=timestamp_of(step.start_time),
        end_time=timestamp_of(step.end_time),
        error=_error(step.error),
        output=struct_of(step.output) if step.output else None,
    )


def _error(error: RunError | None) -> run_pb2.RunError | None:
    if error is None:
        return None
    return run_pb2.RunError(code=error.code.value, reason=error.reason.value, message=error.message, step=error.step)


def _progress(progress: Progress | None) -> run_pb2.Progress | None:
    if progress is None:
        return None
    return run_pb2.Progress(rows=progress.rows, pages=progress.pages, bytes=progress.bytes)
