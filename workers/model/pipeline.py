"""Pipelines as declared: what a YAML file under configs/ says once it is read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from attrs import field, frozen

from workers.model.quality import Expectation


class OnFailure(StrEnum):
    """What a failed step means for the steps that depend on it."""

    STOP = "stop"
    CONTINUE = "continue"
    ALERT = "alert"


class ParameterType(StrEnum):
    """Types a parameter may have."""

    STRING = "string"
    DATE = "date"
    INT = "int"
    BOOL = "bool"
    ENUM = "enum"


@frozen
class Parameter:
    """A declared parameter; `values` are those of an enum, and all of a string matches `pattern` where there is one."""

    name: str
    type: ParameterType = ParameterType.STRING
    required: bool = False
    default: Any = None
    values: tuple[str, ...] = ()
    description: str = ""
    pattern: str = ""


@frozen
class StepRetry:
    """How often a step is tried in all, and the first wait in seconds (it doubles, with full jitter)."""

    max_attempts: int = 3
    backoff_seconds: float = 5.0


@frozen
class Destination:
    """Where rows go."""

    table: str
    dataset_type: str = ""
    write_mode: str = "append"
    schema_file: str = ""
    table_config: Mapping[str, Any] = field(factory=dict)
    batch_size: int = 1000
    key_fields: tuple[str, ...] = ()


@frozen
class Step:
    """A declared step. `config` is as written, before substitution; `depends_on` is complete, nothing implied."""

    step_id: str
    ps_type: str
    name: str = ""
    depends_on: tuple[str, ...] = ()
    timeout_minutes: float = 10.0
    retry: StepRetry = StepRetry()
    on_failure: OnFailure = OnFailure.STOP
    enabled: bool = True
    trigger: str = ""
    config: Mapping[str, Any] = field(factory=dict)
    source: Mapping[str, Any] = field(factory=dict)
    destination: Destination | None = None
    dq: tuple[Expectation, ...] = ()


@frozen
class Pipeline:
    """A declared pipeline. `source` is the YAML text the run is pinned to by `config_hash`."""

    provider: str
    domain: str
    pipeline: str
    steps: tuple[Step, ...]
    config_hash: str
    source: str = ""
    declared_id: str = ""
    name: str = ""
    description: str = ""
    version: str = ""
    timeout_minutes: float = 30.0
    max_days: int = 92
    schedule: Mapping[str, Any] | None = None
    parameters: tuple[Parameter, ...] = ()
    variables: Mapping[str, Any] = field(factory=dict)
    integration_required: tuple[str, ...] = ()
    notifications: Mapping[str, Any] = field(factory=dict)
    tags: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Where it is declared below configs/, without the ending."""
        return "/".join(part for part in (self.provider, self.domain, self.pipeline) if part)

    def pipeline_id(self, org: str) -> str:
        """Identity for an organisation: {org}-{provider}-{domain}-{pipeline}, without an empty domain."""
        return "-".join(part for part in (org, self.provider, self.domain, self.pipeline) if part)

    def step(self, step_id: str) -> Step:
        """Return the step of that name; KeyError when there is none."""
        for step in self.steps:
            if step.step_id == step_id:
                return step
        raise KeyError(step_id)
