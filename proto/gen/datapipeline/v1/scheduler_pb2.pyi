import datetime

from datapipeline.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TriggerScheduledRequest(_message.Message):
    __slots__ = ("due_at", "body")
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    due_at: _timestamp_pb2.Timestamp
    body: _struct_pb2.Struct
    def __init__(self, due_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., body: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class TriggerScheduledResponse(_message.Message):
    __slots__ = ("triggered", "queued", "skipped", "run_ids", "skips", "next_run_time")
    TRIGGERED_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    RUN_IDS_FIELD_NUMBER: _ClassVar[int]
    SKIPS_FIELD_NUMBER: _ClassVar[int]
    NEXT_RUN_TIME_FIELD_NUMBER: _ClassVar[int]
    triggered: int
    queued: int
    skipped: int
    run_ids: _containers.RepeatedScalarFieldContainer[str]
    skips: _containers.RepeatedCompositeFieldContainer[SkippedOccurrence]
    next_run_time: _timestamp_pb2.Timestamp
    def __init__(self, triggered: _Optional[int] = ..., queued: _Optional[int] = ..., skipped: _Optional[int] = ..., run_ids: _Optional[_Iterable[str]] = ..., skips: _Optional[_Iterable[_Union[SkippedOccurrence, _Mapping]]] = ..., next_run_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SkippedOccurrence(_message.Message):
    __slots__ = ("config_id", "org_slug", "pipeline_id", "name", "due_at", "state", "why")
    CONFIG_ID_FIELD_NUMBER: _ClassVar[int]
    ORG_SLUG_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    config_id: str
    org_slug: str
    pipeline_id: str
    name: str
    due_at: _timestamp_pb2.Timestamp
    state: str
    why: str
    def __init__(self, config_id: _Optional[str] = ..., org_slug: _Optional[str] = ..., pipeline_id: _Optional[str] = ..., name: _Optional[str] = ..., due_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[str] = ..., why: _Optional[str] = ...) -> None: ...

class GetQueueRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class GetQueueResponse(_message.Message):
    __slots__ = ("lanes", "items", "next_page_token")
    LANES_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    lanes: _containers.RepeatedCompositeFieldContainer[Lane]
    items: _containers.RepeatedCompositeFieldContainer[QueuedRun]
    next_page_token: str
    def __init__(self, lanes: _Optional[_Iterable[_Union[Lane, _Mapping]]] = ..., items: _Optional[_Iterable[_Union[QueuedRun, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Lane(_message.Message):
    __slots__ = ("org_slug", "depth", "running", "cap", "weight", "oldest_wait_seconds")
    ORG_SLUG_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    CAP_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    OLDEST_WAIT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    org_slug: str
    depth: int
    running: int
    cap: int
    weight: float
    oldest_wait_seconds: float
    def __init__(self, org_slug: _Optional[str] = ..., depth: _Optional[int] = ..., running: _Optional[int] = ..., cap: _Optional[int] = ..., weight: _Optional[float] = ..., oldest_wait_seconds: _Optional[float] = ...) -> None: ...

class QueuedRun(_message.Message):
    __slots__ = ("run_id", "org_slug", "pipeline_id", "state", "priority", "added_at", "processing_started_at", "trigger_type")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    ORG_SLUG_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    ADDED_AT_FIELD_NUMBER: _ClassVar[int]
    PROCESSING_STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_TYPE_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    org_slug: str
    pipeline_id: str
    state: str
    priority: int
    added_at: _timestamp_pb2.Timestamp
    processing_started_at: _timestamp_pb2.Timestamp
    trigger_type: str
    def __init__(self, run_id: _Optional[str] = ..., org_slug: _Optional[str] = ..., pipeline_id: _Optional[str] = ..., state: _Optional[str] = ..., priority: _Optional[int] = ..., added_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., processing_started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., trigger_type: _Optional[str] = ...) -> None: ...

class GetSchedulerStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetSchedulerStatusResponse(_message.Message):
    __slots__ = ("total_active_pipelines", "pipelines_due_now", "pipelines_queued", "pipelines_running", "pipelines_completed_today", "pipelines_failed_today", "queue_length", "avg_execution_time_seconds", "next_run_time", "last_run_time")
    TOTAL_ACTIVE_PIPELINES_FIELD_NUMBER: _ClassVar[int]
    PIPELINES_DUE_NOW_FIELD_NUMBER: _ClassVar[int]
    PIPELINES_QUEUED_FIELD_NUMBER: _ClassVar[int]
    PIPELINES_RUNNING_FIELD_NUMBER: _ClassVar[int]
    PIPELINES_COMPLETED_TODAY_FIELD_NUMBER: _ClassVar[int]
    PIPELINES_FAILED_TODAY_FIELD_NUMBER: _ClassVar[int]
    QUEUE_LENGTH_FIELD_NUMBER: _ClassVar[int]
    AVG_EXECUTION_TIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_RUN_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_RUN_TIME_FIELD_NUMBER: _ClassVar[int]
    total_active_pipelines: int
    pipelines_due_now: int
    pipelines_queued: int
    pipelines_running: int
    pipelines_completed_today: int
    pipelines_failed_today: int
    queue_length: int
    avg_execution_time_seconds: float
    next_run_time: _timestamp_pb2.Timestamp
    last_run_time: _timestamp_pb2.Timestamp
    def __init__(self, total_active_pipelines: _Optional[int] = ..., pipelines_due_now: _Optional[int] = ..., pipelines_queued: _Optional[int] = ..., pipelines_running: _Optional[int] = ..., pipelines_completed_today: _Optional[int] = ..., pipelines_failed_today: _Optional[int] = ..., queue_length: _Optional[int] = ..., avg_execution_time_seconds: _Optional[float] = ..., next_run_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_run_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ProcessQueueRequest(_message.Message):
    __slots__ = ("body",)
    BODY_FIELD_NUMBER: _ClassVar[int]
    body: _struct_pb2.Struct
    def __init__(self, body: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class ProcessQueueResponse(_message.Message):
    __slots__ = ("waiting_runs", "started_runs")
    WAITING_RUNS_FIELD_NUMBER: _ClassVar[int]
    STARTED_RUNS_FIELD_NUMBER: _ClassVar[int]
    waiting_runs: int
    started_runs: int
    def __init__(self, waiting_runs: _Optional[int] = ..., started_runs: _Optional[int] = ...) -> None: ...

class Schedule(_message.Message):
    __slots__ = ("provider", "domain", "pipeline", "name", "schedule_cron", "type", "time", "day_of_month", "timezone", "parameters", "priority", "is_active", "note", "catch_up", "overlap", "jitter_seconds", "etag", "config_id", "org_slug", "pipeline_id", "next_run_time", "last_run_time", "last_run_status", "created_at", "updated_at")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_CRON_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    DAY_OF_MONTH_FIELD_NUMBER: _ClassVar[int]
    TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    IS_ACTIVE_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    CATCH_UP_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_FIELD_NUMBER: _ClassVar[int]
    JITTER_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    CONFIG_ID_FIELD_NUMBER: _ClassVar[int]
    ORG_SLUG_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_ID_FIELD_NUMBER: _ClassVar[int]
    NEXT_RUN_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_RUN_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_RUN_STATUS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    provider: str
    domain: str
    pipeline: str
    name: str
    schedule_cron: str
    type: str
    time: str
    day_of_month: int
    timezone: str
    parameters: _struct_pb2.Struct
    priority: int
    is_active: bool
    note: str
    catch_up: str
    overlap: str
    jitter_seconds: int
    etag: str
    config_id: str
    org_slug: str
    pipeline_id: str
    next_run_time: _timestamp_pb2.Timestamp
    last_run_time: _timestamp_pb2.Timestamp
    last_run_status: str
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    def __init__(self, provider: _Optional[str] = ..., domain: _Optional[str] = ..., pipeline: _Optional[str] = ..., name: _Optional[str] = ..., schedule_cron: _Optional[str] = ..., type: _Optional[str] = ..., time: _Optional[str] = ..., day_of_month: _Optional[int] = ..., timezone: _Optional[str] = ..., parameters: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., priority: _Optional[int] = ..., is_active: bool = ..., note: _Optional[str] = ..., catch_up: _Optional[str] = ..., overlap: _Optional[str] = ..., jitter_seconds: _Optional[int] = ..., etag: _Optional[str] = ..., config_id: _Optional[str] = ..., org_slug: _Optional[str] = ..., pipeline_id: _Optional[str] = ..., next_run_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_run_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_run_status: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListSchedulesRequest(_message.Message):
    __slots__ = ("org",)
    ORG_FIELD_NUMBER: _ClassVar[int]
    org: str
    def __init__(self, org: _Optional[str] = ...) -> None: ...

class ListSchedulesResponse(_message.Message):
    __slots__ = ("schedules",)
    SCHEDULES_FIELD_NUMBER: _ClassVar[int]
    schedules: _containers.RepeatedCompositeFieldContainer[Schedule]
    def __init__(self, schedules: _Optional[_Iterable[_Union[Schedule, _Mapping]]] = ...) -> None: ...

class PutScheduleRequest(_message.Message):
    __slots__ = ("org", "schedule", "body")
    ORG_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    org: str
    schedule: Schedule
    body: _struct_pb2.Struct
    def __init__(self, org: _Optional[str] = ..., schedule: _Optional[_Union[Schedule, _Mapping]] = ..., body: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class DeleteScheduleRequest(_message.Message):
    __slots__ = ("org", "config_id")
    ORG_FIELD_NUMBER: _ClassVar[int]
    CONFIG_ID_FIELD_NUMBER: _ClassVar[int]
    org: str
    config_id: str
    def __init__(self, org: _Optional[str] = ..., config_id: _Optional[str] = ...) -> None: ...

class DeleteScheduleResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PauseScheduleRequest(_message.Message):
    __slots__ = ("org", "config_id", "note", "body")
    ORG_FIELD_NUMBER: _ClassVar[int]
    CONFIG_ID_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    org: str
    config_id: str
    note: str
    body: _struct_pb2.Struct
    def __init__(self, org: _Optional[str] = ..., config_id: _Optional[str] = ..., note: _Optional[str] = ..., body: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class ResumeScheduleRequest(_message.Message):
    __slots__ = ("org", "config_id", "note", "body")
    ORG_FIELD_NUMBER: _ClassVar[int]
    CONFIG_ID_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    org: str
    config_id: str
    note: str
    body: _struct_pb2.Struct
    def __init__(self, org: _Optional[str] = ..., config_id: _Optional[str] = ..., note: _Optional[str] = ..., body: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class ListOccurrencesRequest(_message.Message):
    __slots__ = ("org", "config_id", "next", "page_size", "page_token")
    ORG_FIELD_NUMBER: _ClassVar[int]
    CONFIG_ID_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    org: str
    config_id: str
    next: int
    page_size: int
    page_token: str
    def __init__(self, org: _Optional[str] = ..., config_id: _Optional[str] = ..., next: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListOccurrencesResponse(_message.Message):
    __slots__ = ("past", "coming", "next_page_token")
    PAST_FIELD_NUMBER: _ClassVar[int]
    COMING_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    past: _containers.RepeatedCompositeFieldContainer[Occurrence]
    coming: _containers.RepeatedCompositeFieldContainer[Occurrence]
    next_page_token: str
    def __init__(self, past: _Optional[_Iterable[_Union[Occurrence, _Mapping]]] = ..., coming: _Optional[_Iterable[_Union[Occurrence, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Occurrence(_message.Message):
    __slots__ = ("due_at", "state", "why", "run_id", "run_status", "run_ids", "retries", "retry_at", "fires_at", "late")
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    RUN_STATUS_FIELD_NUMBER: _ClassVar[int]
    RUN_IDS_FIELD_NUMBER: _ClassVar[int]
    RETRIES_FIELD_NUMBER: _ClassVar[int]
    RETRY_AT_FIELD_NUMBER: _ClassVar[int]
    FIRES_AT_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    due_at: _timestamp_pb2.Timestamp
    state: str
    why: str
    run_id: str
    run_status: str
    run_ids: _containers.RepeatedScalarFieldContainer[str]
    retries: int
    retry_at: _timestamp_pb2.Timestamp
    fires_at: _timestamp_pb2.Timestamp
    late: bool
    def __init__(self, due_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[str] = ..., why: _Optional[str] = ..., run_id: _Optional[str] = ..., run_status: _Optional[str] = ..., run_ids: _Optional[_Iterable[str]] = ..., retries: _Optional[int] = ..., retry_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., fires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., late: bool = ...) -> None: ...
