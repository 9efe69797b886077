"""What a pipeline's YAML may say, key by key, in both spellings that are in use; nothing is implied or joined here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from attrs import Attribute, field, frozen
from attrs.validators import and_, ge, gt, in_, le, max_len, min_len, optional

from workers.catalog.expectations import ExpectationFile
from workers.catalog.structure import Names
from workers.model.pipeline import OnFailure, ParameterType
from workers.model.table import IDENTIFIER

_PLACEHOLDER = re.compile(r"\$?\{[A-Za-z_][A-Za-z0-9_]*\}")
_TRIGGERS = ("", "on_failure", "on_success", "on_completion", "always")


def _between(low: float, high: float) -> Callable[[Any, Attribute[Any], Any], None]:
    return and_(ge(low), le(high))


def _is_table(_owner: Any, _attribute: Attribute[Any], name: str) -> None:
    if not IDENTIFIER.match(_PLACEHOLDER.sub("x", name)):
        raise ValueError(f"'table' must be letters, digits and underscores, not {name[:80]!r}")
    if name.startswith("__"):
        raise ValueError("'table' must not start with __, which is kept for this service")


def _is_time(_owner: Any, _attribute: Attribute[Any], time: str) -> None:
    if not re.fullmatch(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", time):
        raise ValueError(f"'time' must be HH:MM, not {time[:40]!r}")


@frozen
class ParameterFile:
    """One entry of `parameters`."""

    type: ParameterType = ParameterType.STRING
    required: bool = False
    default: Any = None
    values: tuple[str, ...] = ()
    description: str = ""
    pattern: str = ""


@frozen
class RetryFile:
    """`retry` of a step: attempts in all, and the first wait."""

    max_attempts: int = field(default=3, validator=_between(1, 10))
    backoff_seconds: float = field(default=5.0, validator=_between(0, 3600))


@frozen
class DestinationFile:
    """`destination` of a step, or of its `config`."""

    table: str = field(validator=_is_table)
    dataset_type: str = ""
    write_mode: Literal["append", "overwrite", "merge"] = "append"
    schema_file: str = ""
    table_config: Mapping[str, Any] = field(factory=dict)
    batch_size: int = field(default=1000, validator=_between(1, 100_000))
    key_fields: tuple[str, ...] = ()


@frozen
class StepFile:
    """One entry of `steps`."""

    step_id: str | None = None
    step: str | None = None
    ps_type: str | None = None
    processor: str | None = None
    name: str = ""
    depends_on: Names = None
    timeout_minutes: float = field(default=10.0, validator=[gt(0), le(1440)])
    retry: RetryFile = RetryFile()
    on_failure: OnFailure = OnFailure.STOP
    enabled: bool = True
    trigger: str = field(default="", validator=in_(_TRIGGERS))
    config: Mapping[str, Any] = field(factory=dict)
    source: Mapping[str, Any] | None = None
    destination: DestinationFile | None = None
    dq: tuple[ExpectationFile, ...] = field(default=(), validator=max_len(100))


@frozen
class ScheduleFile:
    """`schedule` as a mapping: a cron line, or a type with its time of day."""

    cron: str | None = None
    type: Literal["daily", "monthly"] | None = None
    time: str = field(default="00:00", validator=_is_time)
    day_of_month: int | None = field(default=None, validator=optional(_between(1, 31)))
    timezone: str = "UTC"
    enabled: bool = True


@frozen
class PipelineFile:
    """A pipeline's file."""

    steps: tuple[StepFile, ...] = field(validator=[min_len(1), max_len(200)])
    pipeline_id: str = ""
    name: str = ""
    description: str = ""
    version: Any = ""
    timeout_minutes: float = field(default=30.0, validator=[gt(0), le(1440)])
    max_days: int = field(default=92, validator=_between(1, 3660))
    schedule: Any = None
    parameters: Mapping[str, ParameterFile] = field(factory=dict)
    variables: Mapping[str, Any] = field(factory=dict)
    integration_required: Names = None
    notifications: Mapping[str, Any] = field(factory=dict)
    tags: tuple[str, ...] = ()
