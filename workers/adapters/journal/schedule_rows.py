"""The journal's rows of schedules, occurrences and lanes as model values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from workers.adapters.journal.rows import error_of
from workers.model.overview import Decided, Lane, QueuedRun
from workers.model.run import RunStatus
from workers.model.timetable import CatchUp, Held, Occurrence, OccurrenceState, Overlap, Schedule

_Row = asyncpg.Record


def schedule_of(row: _Row) -> Schedule:
    """Read a row of schedule."""
    return Schedule(
        schedule_id=row["schedule_id"],
        org_slug=row["org"],
        provider=row["provider"],
        domain=row["domain"],
        pipeline=row["pipeline"],
        name=row["name"],
        cron=row["cron"],
        timezone=row["timezone"],
        parameters=json.loads(row["parameters"]),
        priority=row["priority"],
        active=row["active"],
        note=row["note"],
        catch_up=CatchUp(row["catch_up"]),
        overlap=Overlap(row["overlap"]),
        jitter_seconds=row["jitter_seconds"],
        version=row["version"],
        next_due=row["next_due"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        last_run_at=row["last_run_at"],
        last_run_status=row["last_run_status"],
    )


def held_of(row: _Row) -> Held:
    """Read a row of the statement `hold_schedules`."""
    pending = tuple(occurrence_of(_typed(values)) for values in json.loads(row["pending"] or "[]"))
    return Held(schedule_of(row), row["fence"], row["now"], pending)


def occurrence_of(row: _Row | Mapping[str, Any]) -> Occurrence:
    """Read a row of occurrence_now."""
    return Occurrence(
        due_at=row["due_at"],
        state=OccurrenceState(row["state"]),
        act_at=row["act_at"],
        late=row["late"],
        why=row["why"],
        run_ids=tuple(row["run_ids"]),
        live=row["live"],
        retry_at=row["retry_at"],
        decided_at=row["decided_at"],
        status=RunStatus(row["run_status"]) if row["run_status"] else None,
        error=error_of(json.loads(row["run_error"] or "null")),
        ended_at=row["run_ended_at"],
    )


def decided_of(row: _Row) -> Decided:
    """Read a row of occurrence_now beside its schedule."""
    parts = (row["org"], row["provider"], row["domain"], row["pipeline"])
    return Decided(
        schedule_id=row["schedule_id"],
        org_slug=row["org"],
        pipeline_id="-".join(part for part in parts if part),
        name=row["name"],
        priority=row["priority"],
        created_at=row["created_at"],
        occurrence=occurrence_of(row),
        started_at=row["run_started_at"],
        parameters=json.loads(row["run_parameters"]) if row["run_parameters"] else None,
    )


def lane_of(row: _Row) -> Lane:
    """Read a row of the statement `lanes`."""
    terms = row["cap"] or 0, row["weight"] or 0.0
    return Lane(row["org"], row["depth"], row["running"], *terms, row["oldest_wait"])


def queued_of(row: _Row) -> QueuedRun:
    """Read a row of the statement `queued`."""
    return QueuedRun(
        run_id=row["run_id"],
        org_slug=row["org"],
        pipeline_id=row["pipeline_id"],
        running=row["state"] == "leased",
        priority=row["priority"],
        accepted_at=row["accepted_at"],
        started_at=row["started_at"],
        trigger_type=row["trigger_type"],
    )


_TIMES = ("due_at", "act_at", "retry_at", "decided_at", "run_ended_at")


def _typed(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a row holds from what its JSON does."""
    times = {name: datetime.fromisoformat(values[name]) if values[name] else None for name in _TIMES}
    error = json.dumps(values["run_error"])
    return {**values, **times, "run_ids": [UUID(run) for run in values["run_ids"]], "run_error": error}
