"""Rows of the statement `situation` as model values."""

from __future__ import annotations

import json
from datetime import datetime
from uuid import UUID

import asyncpg

from workers.adapters.journal.rows import run_of
from workers.model.failure import Reason
from workers.model.pause import Pause
from workers.model.situation import (
    Ended,
    Fleet,
    Holder,
    LaneState,
    Leased,
    Live,
    Paused,
    Place,
    Situation,
    Suspected,
    Waiting,
)

_Row = asyncpg.Record


def situation_of(row: _Row) -> Situation:
    """Read a row."""
    state = Ended(row["retried_by"], row["retry_at"]) if row["state"] is None else _live(row)
    return Situation(run_of(row), row["at"], state)


def _live(row: _Row) -> Live:
    lane = LaneState(
        cap=row["cap"] or 0,
        weight=row["weight"] or 1.0,
        running=row["running"],
        holders=tuple(_holder(*values) for values in json.loads(row["holders"] or "[]")),
        running_in_all=row["running_in_all"],
        lanes_ahead=row["lanes_ahead"],
        typical_seconds=row["typical_seconds"],
    )
    return Live(_place(row), lane, Fleet(row["workers"], row["free"], row["shut_until"]), row["crash_count"])


def _place(row: _Row) -> Place:
    if row["state"] == "leased":
        return Leased(row["worker"], row["lease_until"], row["alone"])
    if row["state"] == "delayed":
        failure = Reason(row["failure"]) if row["failure"] else None
        return Paused(row["due_at"], Pause(row["pause"] or Pause.ASKED), row["why"], failure)
    if row["suspect_since"] is not None:
        return Suspected(row["suspect_since"], row["patient_until"], row["ahead"])
    return Waiting(row["ahead"])


def _holder(run_id: str, pipeline_id: str, since: str) -> Holder:
    return Holder(UUID(run_id), pipeline_id, datetime.fromisoformat(since))
