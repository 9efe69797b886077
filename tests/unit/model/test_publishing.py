from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.fakes.rows_of import declared, misfits
from workers.model.failure import Code, Reason
from workers.model.lease import QuotaCount
from workers.model.org import Subscription
from workers.model.publishing import KMS_OPERATIONS, cost_rows, dq_rows, quota_row, run_row, step_rows
from workers.model.quality import OUTPUT, Audited, Finding
from workers.model.run import Run, RunError, RunStatus, StepRun, StepStatus, TriggerType

AT = datetime(2026, 1, 2, 23, 59, 59, tzinfo=UTC)
RUNS = declared("system/schemas/org_meta_pipeline_runs.json")
STEPS = declared("system/schemas/org_meta_step_logs.json")
COSTS = declared("system/schemas/org_cost_tracking.json")
QUALITY = declared("system/schemas/org_meta_dq_results.json")
QUOTAS = declared("system/schemas/org_usage_quotas.json")


def run(status: RunStatus = RunStatus.COMPLETED, **changes: Any) -> Run:
    steps = (
        StepRun("a", "x.y", StepStatus.COMPLETED, 1, 7, 9, AT, AT + timedelta(seconds=1), output={"bytes_billed": 10}),
        StepRun("b", "x.z", StepStatus.SKIPPED),
    )
    fixed: dict[str, Any] = {"start_time": AT, "end_time": AT + timedelta(milliseconds=1500), "steps": steps}
    return Run(
        UUID(int=5), "acme", "openai", "cost", "n", "acme-n", "hash", status, AT, date(2026, 1, 1), **(fixed | changes)
    )


NEVER_STARTED = run(RunStatus.CANCELLED, start_time=None, steps=(StepRun("a", "x.y", StepStatus.CANCELLED),))
FAILED = run(RunStatus.FAILED, error=RunError(Code.INTERNAL, Reason.DATA_INVALID, "row 3", "a"))


@pytest.mark.parametrize("ended", [run(), NEVER_STARTED, FAILED, run(end_time=None)])
def test_every_row_fits_its_table(ended: Run) -> None:
    assert misfits(RUNS, run_row(ended)) == []
    for step in step_rows(ended):
        assert misfits(STEPS, step) == []
    for cost in cost_rows(ended):
        assert misfits(COSTS, cost) == []


@pytest.mark.parametrize("status", [status for status in RunStatus if status.terminal])
def test_a_status_is_published_in_the_words_other_services_know(status: RunStatus) -> None:
    known = {"COMPLETED", "FAILED", "TIMEOUT", "CANCELLED"}
    assert run_row(run(status))["status"] in known


@pytest.mark.parametrize("trigger", TriggerType)
def test_a_trigger_is_published_in_the_words_other_services_know(trigger: TriggerType) -> None:
    assert run_row(run(trigger_type=trigger))["trigger_type"] in {"api", "scheduler", "webhook", "manual", "pubsub"}


def test_a_quarantined_run_is_failed_with_its_reason() -> None:
    error = RunError(Code.INTERNAL, Reason.PROCESS_CRASHED, "died 3 times")
    row = run_row(run(RunStatus.QUARANTINED, error=error))
    assert (row["status"], row["error_message"]) == ("FAILED", "PROCESS_CRASHED: died 3 times")


def test_pages_and_kms_operations_of_a_run_are_counted_but_not_priced() -> None:
    step = StepRun("a", "x.y", StepStatus.COMPLETED, start_time=AT, output={KMS_OPERATIONS: 2})
    rows = list(cost_rows(run(steps=(step,)), 31))
    assert [misfits(COSTS, row) for row in rows] == [[]] * 3
    assert [(row["resource_type"], row["quantity"]) for row in rows[1:]] == [("API_CALL", 31), ("KMS_OPERATION", 2)]
    assert len({row["cost_id"] for row in rows}) == 3
    assert not any("estimated_cost_usd" in row for row in rows)


AUDITED = Audited("t", (Finding("whole", "not_null", "critical", 2), Finding("n", "row_count", "warning", 0)))


def test_what_audits_found_is_a_row_for_each_table() -> None:
    step = StepRun("a", "x.y", StepStatus.FAILED, start_time=AT, end_time=AT, output={OUTPUT: [AUDITED.shown()]})
    [row] = dq_rows(run(RunStatus.FAILED, steps=(step,)))
    assert misfits(QUALITY, row) == []
    assert (row["dq_config_id"], row["overall_status"], row["expectations_passed"]) == ("openai/cost/n#a", "FAILED", 1)
    assert row["failed_expectations"] == [
        {"expectation": "whole", "check": "not_null", "severity": "critical", "failing": 2}
    ]


def test_what_a_retry_adopted_is_neither_audited_nor_billed_again() -> None:
    adopted = StepRun(
        "a",
        "x.y",
        StepStatus.COMPLETED,
        start_time=AT - timedelta(hours=1),
        output={OUTPUT: [AUDITED.shown()], "bytes_billed": 10},
    )
    again = run(steps=(adopted,))
    assert list(dq_rows(again)) == []
    assert [row["resource_type"] for row in cost_rows(again)] == ["PIPELINE_RUN"]


def test_durations_are_in_milliseconds_and_absent_while_there_is_no_end() -> None:
    assert run_row(run())["duration_ms"] == 1500
    assert run_row(run(end_time=None))["duration_ms"] is None


def test_steps_are_numbered_in_their_order_from_zero() -> None:
    rows = list(step_rows(run()))
    assert [(row["step_index"], row["step_name"], row["rows_processed"]) for row in rows] == [(0, "a", 7), (1, "b", 0)]


def test_a_run_costs_itself_and_the_bytes_its_steps_were_billed() -> None:
    rows = list(cost_rows(run()))
    assert [(row["resource_type"], row["quantity"], row["unit"]) for row in rows] == [
        ("PIPELINE_RUN", 1, "COUNT"),
        ("BQ_QUERY", 10, "BYTES"),
    ]
    assert {row["usage_date"] for row in rows} == {date(2026, 1, 3)}
    assert len({row["cost_id"] for row in rows}) == 2


@pytest.mark.parametrize("odd", ["many", None, 0, -5, True, 1.5])
def test_what_is_no_count_of_bytes_costs_nothing(odd: object) -> None:
    step = StepRun("a", "x.y", StepStatus.COMPLETED, output={"bytes_billed": odd})
    assert [row["resource_type"] for row in cost_rows(run(steps=(step,)))] == ["PIPELINE_RUN"]


def test_a_quota_row_is_one_for_an_organisation_and_day() -> None:
    count = QuotaCount("acme", date(2026, 1, 2), 5, 3, 1, 40, 1, 2, AT)
    row = quota_row(count, Subscription("ACTIVE", "PRO", 25, 750, 5, seat_limit=10, providers_limit=3), AT)
    assert misfits(QUOTAS, row) == []
    assert (row["usage_id"], row["pipelines_run_today"], row["daily_limit"]) == ("acme_20260102", 5, 25)
    assert (row["seat_limit"], row["providers_limit"], row["last_pipeline_completed_at"]) == (10, 3, AT)


def test_what_a_quota_row_does_not_know_is_null() -> None:
    row = quota_row(QuotaCount("acme", date(2026, 1, 2), 0, 0, 0, 0, 0, 0), Subscription("TRIAL", "PRO", 1, 1, 1), AT)
    assert misfits(QUOTAS, row) == []
    assert [row[name] for name in ("seat_limit", "providers_limit", "last_pipeline_completed_at")] == [None] * 3
