"""The journal's rows as model values."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

import asyncpg
import structlog

from workers.model.failure import Code, Reason
from workers.model.fairness import Contest
from workers.model.lease import LaneDepth, Lease, Parcel
from workers.model.run import EventType, Progress, Run, RunError, RunEvent, RunStatus, StepRun, StepStatus, TriggerType

log = structlog.get_logger()

_Row = asyncpg.Record
_T = TypeVar("_T")


def each_readable(read: Callable[[_Row], _T], rows: Iterable[_Row]) -> tuple[_T, ...]:
    """Read rows that have a run_id; one that cannot be read is logged and left out, and keeps no other back."""
    found = []
    for row in rows:
        try:
            found.append(read(row))
        except (ValueError, TypeError, LookupError):
            log.exception("run cannot be read", run_id=str(row["run_id"]))
    return tuple(found)


def run_of(row: _Row) -> Run:
    """Read a row of run_full, or of run_now with `steps` NULL."""
    return Run(
        run_id=row["run_id"],
        org_slug=row["org"],
        provider=row["provider"],
        domain=row["domain"],
        pipeline=row["pipeline"],
        pipeline_id=row["pipeline_id"],
        config_hash=row["config_hash"],
        status=RunStatus(row["status"]),
        created_at=row["created_at"],
        run_date=row["run_date"],
        parameters=json.loads(row["parameters"]),
        trigger_type=TriggerType(row["trigger_type"]),
        trigger_by=row["trigger_by"],
        attempt=row["attempt"],
        start_time=row["start_time"],
        end_time=row["end_time"],
        error=error_of(json.loads(row["error"] or "null")),
        steps=tuple(_step(step) for step in json.loads(row["steps"] or "[]")),
        retry_of=row["retry_of"],
        trace_id=row["trace_id"],
        key_id=row["key_id"],
        force_refresh=row["force_refresh"],
    )


def lease_of(row: _Row) -> Lease:
    """Read a row of run_full as the lease it stands for."""
    return Lease(run_of(row), fence=row["fence"], run_seq=row["seq"], worker=row["worker"])


def lane_depth_of(row: _Row) -> LaneDepth:
    """Read a row of the query `depth`."""
    contest = Contest(row["competing"], row["shares"], row["squares"])
    return LaneDepth(row["weight"], row["waiting"], row["delayed"], row["running"], row["oldest_wait"], contest)


def parcel_of(row: _Row) -> Parcel:
    """Read a row of outbox."""
    return Parcel(row["parcel_id"], row["kind"], str(row["batch"]), json.loads(row["payload"]))


def event_of(row: _Row) -> RunEvent:
    """Read a row of event."""
    progress = json.loads(row["progress"] or "null")
    return RunEvent(
        sequence=row["sequence"],
        time=row["time"],
        type=EventType(row["type"]),
        step_id=row["step_id"],
        status=row["status"],
        progress=Progress(*progress) if progress else None,
        message=row["message"],
        error=error_of(json.loads(row["error"] or "null")),
    )


def _step(values: list[Any]) -> StepRun:
    step_id, ps_type, status, attempt, rows, size, start, end, error, output, checkpoint = values
    return StepRun(
        step_id=step_id,
        ps_type=ps_type,
        status=StepStatus(status),
        attempt=attempt,
        rows=rows,
        bytes=size,
        start_time=_time(start),
        end_time=_time(end),
        error=error_of(error),
        output=output,
        checkpoint=checkpoint,
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def error_of(value: dict[str, str] | None) -> RunError | None:
    """Read an error's JSON object."""
    if value is None:
        return None
    return RunError(Code(value["code"]), Reason(value["reason"]), value["message"], value["step"])
