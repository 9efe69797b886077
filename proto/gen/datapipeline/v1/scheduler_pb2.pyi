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
    __slots__ = ("fired", "skipped", "run_ids")
    FIRED_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    RUN_IDS_FIELD_NUMBER: _ClassVar[int]
    fired: int
    skipped: int
    run_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, fired: _Optional[int] = ..., skipped: _Optional[int] = ..., run_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class GetQueueRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class GetQueueResponse(_message.Message):
    __slots__ = ("runs", "next_page_token")
    RUNS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    runs: _containers.RepeatedCompositeFieldContainer[QueuedRun]
    next_page_token: str
    def __init__(self, runs: _Optional[_Iterable[_Union[QueuedRun, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class QueuedRun(_message.Message):
    __slots__ = ("run_id", "org_slug", "pipeline_id", "state", "priority", "added_at")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    ORG_SLUG_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    ADDED_AT_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    org_slug: str
    pipeline_id: str
    state: str
    priority: int
    added_at: _timestamp_pb2.Timestamp
    def __init__(self, run_id: _Optional[str] = ..., org_slug: _Optional[str] = ..., pipeline_id: _Optional[str] = ..., state: _Optional[str] = ..., priority: _Optional[int] = ..., added_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetSchedulerStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetSchedulerStatusResponse(_message.Message):
    __slots__ = ("active_schedules", "paused_schedules", "waiting_runs", "running_runs", "last_trigger")
    ACTIVE_SCHEDULES_FIELD_NUMBER: _ClassVar[int]
    PAUSED_SCHEDULES_FIELD_NUMBER: _ClassVar[int]
    WAITING_RUNS_FIELD_NUMBER: _ClassVar[int]
    RUNNING_RUNS_FIELD_NUMBER: _ClassVar[int]
    LAST_TRIGGER_FIELD_NUMBER: _ClassVar[int]
    active_schedules: int
    paused_schedules: int
    waiting_runs: int
    running_runs: int
    last_trigger: _timestamp_pb2.Timestamp
    def __init__(self, active_schedules: _Optional[int] = ..., paused_schedules: _Optional[int] = ..., waiting_runs: _Optional[int] = ..., running_runs: _Optional[int] = ..., last_trigger: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ProcessQueueRequest(_message.Message):
    __slots__ = ("body",)
    BODY_FIELD_NUMBER: _ClassVar[int]
    body: _struct_pb2.Struct
    def __init__(self, body: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class ProcessQueueResponse(_message.Message):
    __slots__ = ("waiting_runs",)
    WAITING_RUNS_FIELD_NUMBER: _ClassVar[int]
    waiting_runs: int
    def __init__(self, waiting_runs: _Optional[int] = ...) -> None: ...

class Schedule(_message.Message):
    __slots__ = ("config_id", "org_slug", "provider", "domain", "pipeline", "schedule_cron", "timezone", "is_active", "note", "parameters", "priority", "next_run_time", "last_run_time", "last_run_status")
    CONFIG_ID_FIELD_NUMBER: _ClassVar[int]
    ORG_SLUG_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_CRON_FIELD_NUMBER: _ClassVar[int]
    TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    IS_ACTIVE_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    NEXT_RUN_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_RUN_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_RUN_STATUS_FIELD_NUMBER: _ClassVar[int]
    config_id: str
    org_slug: str
    provider: str
    domain: str
    pipeline: str
    schedule_cron: str
    timezone: str
    is_active: bool
    note: str
    parameters: _struct_pb2.Struct
    priority: int
    next_run_time: _timestamp_pb2.Timestamp
    last_run_time: _timestamp_pb2.Timestamp
    last_run_status: str
    def __init__(self, config_id: _Optional[str] = ..., org_slug: _Optional[str] = ..., provider: _Optional[str] = ..., domain: _Optional[str] = ..., pipeline: _Optional[str] = ..., schedule_cron: _Optional[str] = ..., timezone: _Optional[str] = ..., is_active: bool = ..., note: _Optional[str] = ..., parameters: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., priority: _Optional[int] = ..., next_run_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_run_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_run_status: _Optional[str] = ...) -> None: ...

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
    __slots__ = ("org", "config_id", "next")
    ORG_FIELD_NUMBER: _ClassVar[int]
    CONFIG_ID_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    org: str
    config_id: str
    next: int
    def __init__(self, org: _Optional[str] = ..., config_id: _Optional[str] = ..., next: _Optional[int] = ...) -> None: ...

class ListOccurrencesResponse(_message.Message):
    __slots__ = ("occurrences",)
    OCCURRENCES_FIELD_NUMBER: _ClassVar[int]
    occurrences: _containers.RepeatedCompositeFieldContainer[Occurrence]
    def __init__(self, occurrences: _Optional[_Iterable[_Union[Occurrence, _Mapping]]] = ...) -> None: ...

class Occurrence(_message.Message):
    __slots__ = ("due_at", "state", "why", "run_id")
    DUE_AT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    due_at: _timestamp_pb2.Timestamp
    state: str
    why: str
    run_id: str
    def __init__(self, due_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., state: _Optional[str] = ..., why: _Optional[str] = ..., run_id: _Optional[str] = ...) -> None: ...
