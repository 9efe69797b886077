"""Declared pipelines as the contract shows them."""

from __future__ import annotations

from typing import Any

from datapipeline.v1 import pipelines_pb2

from workers.model.pipeline import Parameter, Pipeline


def pipeline_message(pipeline: Pipeline, org: str) -> pipelines_pb2.Pipeline:
    """Return the pipeline as an organisation sees it."""
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
