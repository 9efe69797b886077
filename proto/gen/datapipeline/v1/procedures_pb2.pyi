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

class ProcedureArgument(_message.Message):
    __slots__ = ("name", "type")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ...) -> None: ...

class Procedure(_message.Message):
    __slots__ = ("name", "domain", "definition", "content_sha256", "updated_at", "created_at", "in_sync", "arguments")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    CONTENT_SHA256_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    IN_SYNC_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    name: str
    domain: str
    definition: str
    content_sha256: str
    updated_at: _timestamp_pb2.Timestamp
    created_at: _timestamp_pb2.Timestamp
    in_sync: bool
    arguments: _containers.RepeatedCompositeFieldContainer[ProcedureArgument]
    def __init__(self, name: _Optional[str] = ..., domain: _Optional[str] = ..., definition: _Optional[str] = ..., content_sha256: _Optional[str] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., in_sync: bool = ..., arguments: _Optional[_Iterable[_Union[ProcedureArgument, _Mapping]]] = ...) -> None: ...

class ProcedureFile(_message.Message):
    __slots__ = ("name", "domain", "content_sha256", "path", "arguments", "calls")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    CONTENT_SHA256_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    name: str
    domain: str
    content_sha256: str
    path: str
    arguments: _containers.RepeatedCompositeFieldContainer[ProcedureArgument]
    calls: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., domain: _Optional[str] = ..., content_sha256: _Optional[str] = ..., path: _Optional[str] = ..., arguments: _Optional[_Iterable[_Union[ProcedureArgument, _Mapping]]] = ..., calls: _Optional[_Iterable[str]] = ...) -> None: ...

class ProcedureOutcome(_message.Message):
    __slots__ = ("name", "domain", "outcome", "reason", "message", "content_sha256")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_SHA256_FIELD_NUMBER: _ClassVar[int]
    name: str
    domain: str
    outcome: str
    reason: str
    message: str
    content_sha256: str
    def __init__(self, name: _Optional[str] = ..., domain: _Optional[str] = ..., outcome: _Optional[str] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., content_sha256: _Optional[str] = ...) -> None: ...

class ListProceduresRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListProceduresResponse(_message.Message):
    __slots__ = ("procedures",)
    PROCEDURES_FIELD_NUMBER: _ClassVar[int]
    procedures: _containers.RepeatedCompositeFieldContainer[Procedure]
    def __init__(self, procedures: _Optional[_Iterable[_Union[Procedure, _Mapping]]] = ...) -> None: ...

class ListProcedureFilesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListProcedureFilesResponse(_message.Message):
    __slots__ = ("files",)
    FILES_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedCompositeFieldContainer[ProcedureFile]
    def __init__(self, files: _Optional[_Iterable[_Union[ProcedureFile, _Mapping]]] = ...) -> None: ...

class SyncProceduresRequest(_message.Message):
    __slots__ = ("force", "procedures", "domain", "body")
    FORCE_FIELD_NUMBER: _ClassVar[int]
    PROCEDURES_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    force: bool
    procedures: _containers.RepeatedScalarFieldContainer[str]
    domain: str
    body: _struct_pb2.Struct
    def __init__(self, force: bool = ..., procedures: _Optional[_Iterable[str]] = ..., domain: _Optional[str] = ..., body: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class SyncProceduresResponse(_message.Message):
    __slots__ = ("outcomes", "created", "updated", "unchanged", "failed")
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    UPDATED_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    outcomes: _containers.RepeatedCompositeFieldContainer[ProcedureOutcome]
    created: int
    updated: int
    unchanged: int
    failed: int
    def __init__(self, outcomes: _Optional[_Iterable[_Union[ProcedureOutcome, _Mapping]]] = ..., created: _Optional[int] = ..., updated: _Optional[int] = ..., unchanged: _Optional[int] = ..., failed: _Optional[int] = ...) -> None: ...

class GetProcedureRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class PutProcedureRequest(_message.Message):
    __slots__ = ("name", "body")
    NAME_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    name: str
    body: _struct_pb2.Struct
    def __init__(self, name: _Optional[str] = ..., body: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class DeleteProcedureRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteProcedureResponse(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...
