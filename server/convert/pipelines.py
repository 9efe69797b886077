"""Declared pipelines as the contract shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from datapipeline.v1 import pipelines_pb2

from server.convert.values import timestamp_of
from workers.model.failure import Failure
from workers.model.pipeline import Parameter, Pipeline
from workers.model.timetable import Schedule


def pipeline_message(
    pipeline: Pipeline, org: str, schedules: Iterable[Schedule] = (), obstacles: Sequence[Failure] = ()
) -> pipelines_pb2.Pipeline:
    """Return the pipeline as an organisation sees it, with its schedules and what keeps it from running it."""
    return pipelines_pb2.Pipeline(
        pipeline_id=pipeline.pipeline_id(org),
        provider=pipeline.provider,
        domain=pipeline.domain,
        pipeline=pipeline.pipeline,
        name=pipeline.name,
        description=pipeline.description,
        version=pipeline.version,
        config_hash=pipeline.config_hash,
        parameters=[_parameter(parameter) for parameter in pipeline.parameters],
        steps=[step.step_id for step in pipeline.steps],
        integration_required=pipeline.integration_required,
        schedule=_declared(pipeline.schedule) if pipeline.schedule else None,
        schedules=[_scheduled(schedule) for schedule in schedules],
        runnable=not obstacles,
        obstacles=[_obstacle(failure) for failure in obstacles],
    )


def _declared(schedule: Mapping[str, Any]) -> pipelines_pb2.DeclaredSchedule:
    return pipelines_pb2.DeclaredSchedule(
        cron=schedule["cron"], timezone=schedule["timezone"], enabled=schedule["enabled"]
    )


def _scheduled(schedule: Schedule) -> pipelines_pb2.PipelineSchedule:
    return pipelines_pb2.PipelineSchedule(
        config_id=str(schedule.schedule_id),
        name=schedule.name,
        cron=schedule.cron,
        timezone=schedule.timezone,
        is_active=schedule.active,
        next_run_time=timestamp_of(schedule.next_due) if schedule.active else None,
    )


def _obstacle(failure: Failure) -> pipelines_pb2.Obstacle:
    return pipelines_pb2.Obstacle(
        reason=failure.reason.value, message=failure.message, provider=failure.metadata.get("provider", "")
    )


def _parameter(parameter: Parameter) -> pipelines_pb2.PipelineParameter:
    return pipelines_pb2.PipelineParameter(
        name=parameter.name,
        type=parameter.type.value,
        required=parameter.required,
        default=_text(parameter.default),
        values=parameter.values,
        description=parameter.description,
    )


def _text(default: Any) -> str:
    if default is None:
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)
