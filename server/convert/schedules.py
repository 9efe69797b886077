"""Schedules and their occurrences between the contract and the model."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from datapipeline.v1 import scheduler_pb2

from server.convert.requests import domain_of, parameters_of
from server.convert.values import struct_of, timestamp_of
from workers.model.failure import Code, FailedError, Failure, Reason, Violation
from workers.model.occurrences import jitter
from workers.model.pipeline import Pipeline
from workers.model.schedule import Timing, cron_line, next_due
from workers.model.timetable import USUAL_PRIORITY, CatchUp, Occurrence, Overlap, Schedule

USUAL_NAME = "default"


def schedule_of(message: scheduler_pb2.Schedule, org: str, pipeline: Pipeline, new_id: UUID, now: datetime) -> Schedule:
    """Return a schedule of the pipeline that is next due after `now`; raises REQUEST_INVALID for bad times."""
    try:
        cron, zone = _times(message, pipeline.schedule)
        due = _first(cron, zone, now)
    except ValueError as error:
        wrong = Violation("schedule.schedule_cron", str(error))
        said = f"{wrong.field}: {wrong.description}"
        raise FailedError(Failure(Code.INVALID_ARGUMENT, Reason.REQUEST_INVALID, said, violations=(wrong,))) from None
    return Schedule(
        schedule_id=new_id,
        org_slug=org,
        provider=pipeline.provider,
        domain=pipeline.domain,
        pipeline=pipeline.pipeline,
        name=message.name or USUAL_NAME,
        cron=cron,
        timezone=zone,
        parameters=parameters_of(message.parameters),
        priority=message.priority if message.HasField("priority") else USUAL_PRIORITY,
        active=message.is_active if message.HasField("is_active") else True,
        note=message.note,
        catch_up=CatchUp(message.catch_up or CatchUp.LATEST),
        overlap=Overlap(message.overlap or Overlap.SKIP),
        jitter_seconds=message.jitter_seconds,
        next_due=due,
    )


def path_of(message: scheduler_pb2.Schedule) -> tuple[str, str, str]:
    """Return the provider, domain and pipeline that a put names."""
    return message.provider, domain_of(message.domain), message.pipeline


def schedule_message(schedule: Schedule) -> scheduler_pb2.Schedule:
    """Return the schedule."""
    return scheduler_pb2.Schedule(
        config_id=str(schedule.schedule_id),
        org_slug=schedule.org_slug,
        provider=schedule.provider,
        domain=schedule.domain,
        pipeline=schedule.pipeline,
        name=schedule.name,
        pipeline_id=schedule.pipeline_id,
        schedule_cron=schedule.cron,
        timezone=schedule.timezone,
        parameters=struct_of(schedule.parameters),
        priority=schedule.priority,
        is_active=schedule.active,
        note=schedule.note,
        catch_up=schedule.catch_up.value,
        overlap=schedule.overlap.value,
        jitter_seconds=schedule.jitter_seconds,
        etag=str(schedule.version),
        next_run_time=timestamp_of(schedule.next_due if schedule.active else None),
        last_run_time=timestamp_of(schedule.last_run_at),
        last_run_status=schedule.last_run_status,
        created_at=timestamp_of(schedule.created_at),
        updated_at=timestamp_of(schedule.updated_at),
    )


def occurrence_message(occurrence: Occurrence) -> scheduler_pb2.Occurrence:
    """Return an occurrence that has come."""
    return scheduler_pb2.Occurrence(
        due_at=timestamp_of(occurrence.due_at),
        state=occurrence.state.value,
        why=occurrence.why,
        run_id=str(occurrence.run_ids[-1]) if occurrence.run_ids else "",
        run_status=occurrence.status.value if occurrence.status else "",
        run_ids=[str(run_id) for run_id in occurrence.run_ids],
        retries=occurrence.retries,
        retry_at=timestamp_of(occurrence.retry_at),
        fires_at=timestamp_of(occurrence.act_at),
        late=occurrence.late,
    )


def coming_message(schedule: Schedule, due_at: datetime) -> scheduler_pb2.Occurrence:
    """Return an occurrence to come."""
    fires_at = timestamp_of(due_at + jitter(schedule))
    return scheduler_pb2.Occurrence(due_at=timestamp_of(due_at), state="COMING", fires_at=fires_at)


def _times(message: scheduler_pb2.Schedule, declared: Mapping[str, Any] | None) -> tuple[str, str]:
    """Return the cron line and zone that a put means; raises ValueError."""
    if message.schedule_cron and message.type:
        raise ValueError("give schedule_cron or type, not both")
    if not message.type and (message.time or message.day_of_month):
        raise ValueError("time and day_of_month go with type")
    if message.type:
        return cron_line(message.type, message.time or "00:00", message.day_of_month or None), message.timezone or "UTC"
    if message.schedule_cron:
        return " ".join(message.schedule_cron.split()), message.timezone or "UTC"
    if declared is None:
        raise ValueError("is required: the pipeline declares no schedule of its own")
    return str(declared["cron"]), message.timezone or str(declared["timezone"])


def _first(cron: str, zone: str, now: datetime) -> datetime:
    due = next_due(Timing.parse(cron, zone), now)
    if due is None:
        raise ValueError("never fires")
    return due
