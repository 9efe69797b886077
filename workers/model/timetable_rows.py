"""Rows of the platform's tables about schedules, occurrences and the runs they became."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any

from workers.model.occurrences import MOST_RETRIES
from workers.model.overview import Decided
from workers.model.run import RunStatus
from workers.model.timetable import Occurrence, OccurrenceState, Schedule

Row = Mapping[str, Any]

# Other services know these words only.
_STATES = {
    None: "QUEUED",
    RunStatus.PENDING: "QUEUED",
    RunStatus.RUNNING: "RUNNING",
    RunStatus.CANCELLING: "RUNNING",
    RunStatus.COMPLETED: "COMPLETED",
    RunStatus.CANCELLED: "CANCELLED",
}
_QUEUE_STATES = {"QUEUED": "QUEUED", "RUNNING": "PROCESSING", "COMPLETED": "COMPLETED"}
_FAILED = "FAILED"


def schedule_row(schedule: Schedule) -> Row:
    """Row of org_pipeline_configs."""
    return {
        "config_id": str(schedule.schedule_id),
        "org_slug": schedule.org_slug,
        "provider": schedule.provider,
        "domain": schedule.domain,
        "pipeline_template": schedule.pipeline,
        "schedule_cron": schedule.cron,
        "timezone": schedule.timezone,
        "is_active": schedule.active,
        "next_run_time": schedule.next_due if schedule.active else None,
        "last_run_time": schedule.last_run_at,
        "last_run_status": schedule.last_run_status or None,
        "parameters": dict(schedule.parameters),
        "priority": schedule.priority,
        "created_at": schedule.created_at,
        "updated_at": schedule.updated_at,
    }


def occurrence_row(one: Decided) -> Row:
    """Row of org_scheduled_pipeline_runs."""
    occurrence = one.occurrence
    state = _state(occurrence)
    return {
        "run_id": f"{one.schedule_id}-{occurrence.due_at.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        "config_id": str(one.schedule_id),
        "org_slug": one.org_slug,
        "pipeline_id": one.pipeline_id,
        "state": state,
        "scheduled_time": occurrence.due_at,
        "priority": one.priority,
        "parameters": None if one.parameters is None else dict(one.parameters),
        "pipeline_logging_id": str(occurrence.run_ids[-1]) if occurrence.run_ids else None,
        "retry_count": occurrence.retries,
        "max_retries": MOST_RETRIES,
        "completed_at": occurrence.ended_at if state == "COMPLETED" else None,
        "failed_at": occurrence.ended_at if state == _FAILED else None,
        "error_message": _message(occurrence),
        "created_at": one.created_at,
    }


def queue_rows(one: Decided) -> Iterator[Row]:
    """Rows of org_pipeline_execution_queue: the run of an occurrence, and those before it that failed."""
    runs = one.occurrence.run_ids
    fixed = {
        "org_slug": one.org_slug,
        "pipeline_id": one.pipeline_id,
        "scheduled_time": one.occurrence.due_at,
        "priority": one.priority,
        "added_at": one.occurrence.decided_at,
    }
    for run_id in runs[:-1]:
        yield fixed | {"run_id": str(run_id), "state": _FAILED, "processing_started_at": None}
    for run_id in runs[-1:]:
        state = _QUEUE_STATES.get(_run_state(one.occurrence.status), _FAILED)
        yield fixed | {"run_id": str(run_id), "state": state, "processing_started_at": one.started_at}


def _state(occurrence: Occurrence) -> str:
    if occurrence.state is OccurrenceState.DUE:
        return "PENDING" if occurrence.act_at else "QUEUED"
    if occurrence.state is not OccurrenceState.FIRED:
        return "CANCELLED"
    return "PENDING" if occurrence.retry_at else _run_state(occurrence.status)


def _run_state(status: RunStatus | None) -> str:
    return _STATES.get(status, _FAILED)


def _message(occurrence: Occurrence) -> str | None:
    error = occurrence.error
    return occurrence.why or (f"{error.reason}: {error.message}" if error else None)
