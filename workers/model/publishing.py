"""Rows of the platform's own tables, made from journalled values. Column names are those of configs/system/schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from typing import Any

from workers.model.lease import QuotaCount
from workers.model.org import Subscription
from workers.model.quality import OUTPUT
from workers.model.run import Run, RunError, RunStatus, StepRun, TriggerType

Row = Mapping[str, Any]

KMS_OPERATIONS = "kms_operations"
"""What a step's output says of the secrets it had sealed and opened."""

# Other services know these words only.
_TRIGGERS = {TriggerType.RETRY: "manual", TriggerType.BACKFILL: "scheduler"}
_STATUSES = {RunStatus.QUARANTINED: RunStatus.FAILED}


def run_row(run: Run) -> Row:
    """Row of org_meta_pipeline_runs; a run that never started is dated by its acceptance."""
    started = run.start_time or run.created_at
    return {
        "pipeline_logging_id": str(run.run_id),
        "org_slug": run.org_slug,
        "pipeline_id": run.pipeline_id,
        "status": _STATUSES.get(run.status, run.status).value,
        "trigger_type": _TRIGGERS.get(run.trigger_type, run.trigger_type.value),
        "trigger_by": run.trigger_by or None,
        "org_api_key_id": run.key_id or None,
        "start_time": started,
        "end_time": run.end_time,
        "duration_ms": _milliseconds(started, run.end_time),
        "run_date": run.run_date,
        "parameters": dict(run.parameters),
        "run_metadata": {"config_hash": run.config_hash, "attempt": run.attempt, "trace_id": run.trace_id},
        "error_message": _message(run.error),
        "error_context": _context(run.error),
        "created_at": run.created_at,
    }


def step_rows(run: Run) -> Iterator[Row]:
    """Rows of org_meta_step_logs, one for each step in order; one that never began is dated by its run."""
    for index, step in enumerate(run.steps):
        started = step.start_time or run.start_time or run.created_at
        yield {
            "step_logging_id": f"{run.run_id}-{step.step_id}",
            "org_slug": run.org_slug,
            "pipeline_logging_id": str(run.run_id),
            "step_name": step.step_id,
            "step_type": step.ps_type,
            "step_index": index,
            "status": step.status.value,
            "start_time": started,
            "end_time": step.end_time,
            "duration_ms": _milliseconds(started, step.end_time) if step.start_time else None,
            "rows_processed": step.rows,
            "error_message": _message(step.error),
            "metadata": {"attempt": step.attempt, "output": dict(step.output)},
        }


def cost_rows(run: Run, pages: int = 0) -> Iterator[Row]:
    """Rows of org_cost_tracking: the run itself, `pages` that providers answered, KMS operations, bytes billed by step.

    What they cost in dollars is not said: no configuration has the cloud's prices.
    """
    at = run.end_time or run.created_at
    fixed = {
        "org_slug": run.org_slug,
        "usage_date": at.date(),
        "provider": run.provider.upper(),
        "pipeline_id": run.pipeline_id,
        "created_at": at,
    }
    duration = _milliseconds(run.start_time or run.created_at, run.end_time)
    yield fixed | {
        "cost_id": str(run.run_id),
        "resource_type": "PIPELINE_RUN",
        "quantity": 1,
        "unit": "COUNT",
        "duration_ms": duration,
    }
    yield from (fixed | {"cost_id": f"{run.run_id}-{name}", **row} for name, row in _counted(run, pages))
    for step in _own(run):
        if billed := _count(step, "bytes_billed"):
            yield fixed | {
                "cost_id": f"{run.run_id}-{step.step_id}",
                "resource_type": "BQ_QUERY",
                "quantity": billed,
                "unit": "BYTES",
                "bytes_billed": billed,
            }


def dq_rows(run: Run) -> Iterator[Row]:
    """Rows of org_meta_dq_results: one for each table that a step of the run has published or was kept from."""
    for step in _own(run):
        at = step.end_time or run.end_time or run.created_at
        path = "/".join(part for part in (run.provider, run.domain, run.pipeline) if part)
        for audited in step.output.get(OUTPUT) or ():
            yield {
                "dq_result_id": f"{run.run_id}-{step.step_id}-{audited['table']}",
                "pipeline_logging_id": str(run.run_id),
                "org_slug": run.org_slug,
                "target_table": audited["table"],
                "dq_config_id": f"{path}#{step.step_id}",
                "executed_at": at,
                "expectations_passed": audited["passed"],
                "expectations_failed": len(audited["failed"]),
                "failed_expectations": list(audited["failed"]),
                "overall_status": audited["status"],
                "ingestion_date": at.date(),
            }


def _own(run: Run) -> Iterator[StepRun]:
    """Yield the steps that the run did itself: a retry adopts others, which began before it was accepted."""
    return (step for step in run.steps if step.start_time is None or step.start_time >= run.created_at)


def quota_row(count: QuotaCount, terms: Subscription, at: datetime) -> Row:
    """Row of org_usage_quotas, identified by organisation and day."""
    return {
        "usage_id": f"{count.org_slug}_{count.day:%Y%m%d}",
        "org_slug": count.org_slug,
        "usage_date": count.day,
        "pipelines_run_today": count.started,
        "pipelines_succeeded_today": count.succeeded,
        "pipelines_failed_today": count.failed,
        "pipelines_run_month": count.started_in_month,
        "concurrent_pipelines_running": count.running,
        "daily_limit": terms.daily_limit,
        "monthly_limit": terms.monthly_limit,
        "concurrent_limit": terms.concurrent_limit,
        "seat_limit": terms.seat_limit,
        "providers_limit": terms.providers_limit,
        "max_concurrent_reached": count.most_running,
        "last_pipeline_completed_at": count.last_completed_at,
        "last_updated": at,
        "created_at": datetime.combine(count.day, time(), UTC),
    }


def _counted(run: Run, pages: int) -> Iterator[tuple[str, Row]]:
    operations = sum(_count(step, KMS_OPERATIONS) for step in _own(run))
    for name, resource, count in (("api", "API_CALL", pages), ("kms", "KMS_OPERATION", operations)):
        if count:
            yield name, {"resource_type": resource, "quantity": count, "unit": "COUNT"}


def _count(step: StepRun, name: str) -> int:
    count = step.output.get(name, 0)
    return count if type(count) is int and count > 0 else 0


def _milliseconds(start: datetime, end: datetime | None) -> int | None:
    return None if end is None else round((end - start).total_seconds() * 1000)


def _message(error: RunError | None) -> str | None:
    return None if error is None else f"{error.reason}: {error.message}"


def _context(error: RunError | None) -> Row | None:
    return None if error is None else {"code": error.code.value, "reason": error.reason.value, "step": error.step}
