from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve

from tests.fakes.rows_of import declared, misfits
from workers.model.failure import Code, Reason
from workers.model.overview import Decided
from workers.model.run import RunError, RunStatus
from workers.model.timetable import Occurrence, OccurrenceState, Schedule
from workers.model.timetable_rows import occurrence_row, queue_rows, schedule_row

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
SCHEDULE = Schedule(
    UUID(int=1),
    "acme",
    "openai",
    "cost",
    "usage_cost",
    "nightly",
    "0 2 * * *",
    next_due=NOON,
    created_at=NOON,
    updated_at=NOON,
)
ERROR = RunError(Code.UNAVAILABLE, Reason.PROVIDER_UNAVAILABLE, "away")
FIRED = Occurrence(NOON, OccurrenceState.FIRED, run_ids=(UUID(int=7), UUID(int=8)), live=True, decided_at=NOON)


def one(occurrence: Occurrence, **changes: Any) -> Decided:
    kept = Decided(UUID(int=1), "acme", "acme-openai-cost-usage_cost", "nightly", 100, NOON, occurrence)
    return evolve(kept, **changes)


@pytest.mark.parametrize("active", [True, False])
def test_a_schedule_fits_its_table_and_a_paused_one_has_no_next_time(active: bool) -> None:
    row = schedule_row(evolve(SCHEDULE, active=active))
    assert misfits(declared("system/schemas/org_pipeline_configs.json"), row) == []
    assert (row["next_run_time"], row["last_run_status"]) == (NOON if active else None, None)


@pytest.mark.parametrize(
    ("occurrence", "state", "queued"),
    [
        (Occurrence(NOON, act_at=NOON), "PENDING", []),
        (Occurrence(NOON), "QUEUED", []),
        (Occurrence(NOON, OccurrenceState.SKIPPED, why="no"), "CANCELLED", []),
        (Occurrence(NOON, OccurrenceState.MISSED, why="no"), "CANCELLED", []),
        (evolve(FIRED, status=RunStatus.PENDING), "QUEUED", ["FAILED", "QUEUED"]),
        (evolve(FIRED, status=RunStatus.RUNNING), "RUNNING", ["FAILED", "PROCESSING"]),
        (evolve(FIRED, status=RunStatus.COMPLETED, ended_at=NOON), "COMPLETED", ["FAILED", "COMPLETED"]),
        (evolve(FIRED, status=RunStatus.TIMEOUT, ended_at=NOON, error=ERROR), "FAILED", ["FAILED", "FAILED"]),
        (evolve(FIRED, status=RunStatus.CANCELLED, ended_at=NOON), "CANCELLED", ["FAILED", "FAILED"]),
        (evolve(FIRED, status=RunStatus.FAILED, retry_at=NOON, error=ERROR), "PENDING", ["FAILED", "FAILED"]),
    ],
)
def test_states_are_the_platforms_words(occurrence: Occurrence, state: str, queued: list[str]) -> None:
    row, runs = occurrence_row(one(occurrence)), list(queue_rows(one(occurrence)))
    assert (row["state"], [run["state"] for run in runs]) == (state, queued)
    assert misfits(declared("system/schemas/org_scheduled_pipeline_runs.json"), row) == []
    assert [misfits(declared("system/schemas/org_pipeline_execution_queue.json"), run) for run in runs] == [[]] * len(
        runs
    )


def test_an_occurrence_is_named_by_its_schedule_and_time() -> None:
    ended = evolve(FIRED, status=RunStatus.FAILED, ended_at=NOON + timedelta(hours=1), error=ERROR)
    row = occurrence_row(one(ended, parameters={"n": 1}))
    assert row["run_id"] == "00000000-0000-0000-0000-000000000001-20260615T120000Z"
    assert (row["pipeline_logging_id"], row["retry_count"], row["max_retries"]) == (str(UUID(int=8)), 1, 3)
    assert (row["failed_at"], row["completed_at"]) == (ended.ended_at, None)
    assert (row["parameters"], row["error_message"]) == ({"n": 1}, "PROVIDER_UNAVAILABLE: away")
