import datetime

from datapipeline.v1 import options_pb2 as _options_pb2
from datapipeline.v1 import run_pb2 as _run_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RunPipelineRequest(_message.Message):
    __slots__ = ("org", "provider", "domain", "pipeline", "parameters")
    ORG_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    org: str
    provider: str
    domain: str
    pipeline: str
    parameters: _struct_pb2.Struct
    def __init__(self, org: _Optional[str] = ..., provider: _Optional[str] = ..., domain: _Optional[str] = ..., pipeline: _Optional[str] = ..., parameters: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class RunPipelineResponse(_message.Message):
    __slots__ = ("run_id", "pipeline_logging_id", "pipeline_id", "org_slug", "status", "message", "existing")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_LOGGING_ID_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_ID_FIELD_NUMBER: _ClassVar[int]
    ORG_SLUG_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    EXISTING_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    pipeline_logging_id: str
    pipeline_id: str
    org_slug: str
    status: str
    message: str
    existing: bool
    def __init__(self, run_id: _Optional[str] = ..., pipeline_logging_id: _Optional[str] = ..., pipeline_id: _Optional[str] = ..., org_slug: _Optional[str] = ..., status: _Optional[str] = ..., message: _Optional[str] = ..., existing: bool = ...) -> None: ...

class GetRunRequest(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    def __init__(self, run_id: _Optional[str] = ...) -> None: ...

class ListRunsRequest(_message.Message):
    __slots__ = ("pipeline_id", "status", "page_size", "page_token", "limit")
    PIPELINE_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    pipeline_id: str
    status: str
    page_size: int
    page_token: str
    limit: int
    def __init__(self, pipeline_id: _Optional[str] = ..., status: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class ListRunsResponse(_message.Message):
    __slots__ = ("runs", "next_page_token")
    RUNS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    runs: _containers.RepeatedCompositeFieldContainer[_run_pb2.Run]
    next_page_token: str
    def __init__(self, runs: _Optional[_Iterable[_Union[_run_pb2.Run, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchRunRequest(_message.Message):
    __slots__ = ("run_id", "after")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    after: int
    def __init__(self, run_id: _Optional[str] = ..., after: _Optional[int] = ...) -> None: ...

class CancelRunRequest(_message.Message):
    __slots__ = ("run_id", "body")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    body: _struct_pb2.Struct
    def __init__(self, run_id: _Optional[str] = ..., body: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class RetryRunRequest(_message.Message):
    __slots__ = ("run_id", "body")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    body: _struct_pb2.Struct
    def __init__(self, run_id: _Optional[str] = ..., body: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class PlanRunRequest(_message.Message):
    __slots__ = ("org", "provider", "domain", "pipeline", "parameters")
    ORG_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    org: str
    provider: str
    domain: str
    pipeline: str
    parameters: _struct_pb2.Struct
    def __init__(self, org: _Optional[str] = ..., provider: _Optional[str] = ..., domain: _Optional[str] = ..., pipeline: _Optional[str] = ..., parameters: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class PlanRunResponse(_message.Message):
    __slots__ = ("pipeline_id", "config_hash", "steps")
    PIPELINE_ID_FIELD_NUMBER: _ClassVar[int]
    CONFIG_HASH_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    pipeline_id: str
    config_hash: str
    steps: _containers.RepeatedCompositeFieldContainer[PlannedStep]
    def __init__(self, pipeline_id: _Optional[str] = ..., config_hash: _Optional[str] = ..., steps: _Optional[_Iterable[_Union[PlannedStep, _Mapping]]] = ...) -> None: ...

class PlannedStep(_message.Message):
    __slots__ = ("step_id", "ps_type", "days", "calls", "bytes", "cost_usd")
    STEP_ID_FIELD_NUMBER: _ClassVar[int]
    PS_TYPE_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    step_id: str
    ps_type: str
    days: _containers.RepeatedScalarFieldContainer[str]
    calls: float
    bytes: float
    cost_usd: str
    def __init__(self, step_id: _Optional[str] = ..., ps_type: _Optional[str] = ..., days: _Optional[_Iterable[str]] = ..., calls: _Optional[float] = ..., bytes: _Optional[float] = ..., cost_usd: _Optional[str] = ...) -> None: ...

class ExplainRunRequest(_message.Message):
    __slots__ = ("run_id",)
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    def __init__(self, run_id: _Optional[str] = ...) -> None: ...

class ExplainRunResponse(_message.Message):
    __slots__ = ("run_id", "status", "reasons", "lane")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    LANE_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    status: str
    reasons: _containers.RepeatedCompositeFieldContainer[Explanation]
    lane: LaneStanding
    def __init__(self, run_id: _Optional[str] = ..., status: _Optional[str] = ..., reasons: _Optional[_Iterable[_Union[Explanation, _Mapping]]] = ..., lane: _Optional[_Union[LaneStanding, _Mapping]] = ...) -> None: ...

class LaneStanding(_message.Message):
    __slots__ = ("ahead", "running", "cap", "weight", "share", "lanes_ahead")
    AHEAD_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    CAP_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    LANES_AHEAD_FIELD_NUMBER: _ClassVar[int]
    ahead: int
    running: int
    cap: int
    weight: float
    share: float
    lanes_ahead: int
    def __init__(self, ahead: _Optional[int] = ..., running: _Optional[int] = ..., cap: _Optional[int] = ..., weight: _Optional[float] = ..., share: _Optional[float] = ..., lanes_ahead: _Optional[int] = ...) -> None: ...

class Explanation(_message.Message):
    __slots__ = ("reason", "message", "owner", "until", "remedy", "link", "retry", "forecast", "run_ids", "step")
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    REMEDY_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    RETRY_FIELD_NUMBER: _ClassVar[int]
    FORECAST_FIELD_NUMBER: _ClassVar[int]
    RUN_IDS_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    reason: str
    message: str
    owner: str
    until: _timestamp_pb2.Timestamp
    remedy: str
    link: str
    retry: str
    forecast: _timestamp_pb2.Timestamp
    run_ids: _containers.RepeatedScalarFieldContainer[str]
    step: str
    def __init__(self, reason: _Optional[str] = ..., message: _Optional[str] = ..., owner: _Optional[str] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., remedy: _Optional[str] = ..., link: _Optional[str] = ..., retry: _Optional[str] = ..., forecast: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., run_ids: _Optional[_Iterable[str]] = ..., step: _Optional[str] = ...) -> None: ...

class ListPipelinesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListPipelinesResponse(_message.Message):
    __slots__ = ("pipelines",)
    PIPELINES_FIELD_NUMBER: _ClassVar[int]
    pipelines: _containers.RepeatedCompositeFieldContainer[Pipeline]
    def __init__(self, pipelines: _Optional[_Iterable[_Union[Pipeline, _Mapping]]] = ...) -> None: ...

class Pipeline(_message.Message):
    __slots__ = ("pipeline_id", "provider", "domain", "pipeline", "name", "description", "version", "config_hash", "parameters", "steps", "integration_required", "schedule", "schedules", "runnable", "obstacles")
    PIPELINE_ID_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CONFIG_HASH_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    INTEGRATION_REQUIRED_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    SCHEDULES_FIELD_NUMBER: _ClassVar[int]
    RUNNABLE_FIELD_NUMBER: _ClassVar[int]
    OBSTACLES_FIELD_NUMBER: _ClassVar[int]
    pipeline_id: str
    provider: str
    domain: str
    pipeline: str
    name: str
    description: str
    version: str
    config_hash: str
    parameters: _containers.RepeatedCompositeFieldContainer[PipelineParameter]
    steps: _containers.RepeatedScalarFieldContainer[str]
    integration_required: _containers.RepeatedScalarFieldContainer[str]
    schedule: DeclaredSchedule
    schedules: _containers.RepeatedCompositeFieldContainer[PipelineSchedule]
    runnable: bool
    obstacles: _containers.RepeatedCompositeFieldContainer[Obstacle]
    def __init__(self, pipeline_id: _Optional[str] = ..., provider: _Optional[str] = ..., domain: _Optional[str] = ..., pipeline: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., version: _Optional[str] = ..., config_hash: _Optional[str] = ..., parameters: _Optional[_Iterable[_Union[PipelineParameter, _Mapping]]] = ..., steps: _Optional[_Iterable[str]] = ..., integration_required: _Optional[_Iterable[str]] = ..., schedule: _Optional[_Union[DeclaredSchedule, _Mapping]] = ..., schedules: _Optional[_Iterable[_Union[PipelineSchedule, _Mapping]]] = ..., runnable: bool = ..., obstacles: _Optional[_Iterable[_Union[Obstacle, _Mapping]]] = ...) -> None: ...

class DeclaredSchedule(_message.Message):
    __slots__ = ("cron", "timezone", "enabled")
    CRON_FIELD_NUMBER: _ClassVar[int]
    TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    cron: str
    timezone: str
    enabled: bool
    def __init__(self, cron: _Optional[str] = ..., timezone: _Optional[str] = ..., enabled: bool = ...) -> None: ...

class PipelineSchedule(_message.Message):
    __slots__ = ("config_id", "name", "cron", "timezone", "is_active", "next_run_time")
    CONFIG_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CRON_FIELD_NUMBER: _ClassVar[int]
    TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    IS_ACTIVE_FIELD_NUMBER: _ClassVar[int]
    NEXT_RUN_TIME_FIELD_NUMBER: _ClassVar[int]
    config_id: str
    name: str
    cron: str
    timezone: str
    is_active: bool
    next_run_time: _timestamp_pb2.Timestamp
    def __init__(self, config_id: _Optional[str] = ..., name: _Optional[str] = ..., cron: _Optional[str] = ..., timezone: _Optional[str] = ..., is_active: bool = ..., next_run_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Obstacle(_message.Message):
    __slots__ = ("reason", "message", "provider")
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    reason: str
    message: str
    provider: str
    def __init__(self, reason: _Optional[str] = ..., message: _Optional[str] = ..., provider: _Optional[str] = ...) -> None: ...

class PipelineParameter(_message.Message):
    __slots__ = ("name", "type", "required", "default", "values", "description")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    required: bool
    default: str
    values: _containers.RepeatedScalarFieldContainer[str]
    description: str
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., required: bool = ..., default: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ..., description: _Optional[str] = ...) -> None: ...
