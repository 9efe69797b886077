from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Caller(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CALLER_UNSPECIFIED: _ClassVar[Caller]
    CALLER_ORG: _ClassVar[Caller]
    CALLER_ROOT: _ClassVar[Caller]
    CALLER_NOBODY: _ClassVar[Caller]
CALLER_UNSPECIFIED: Caller
CALLER_ORG: Caller
CALLER_ROOT: Caller
CALLER_NOBODY: Caller
POLICY_FIELD_NUMBER: _ClassVar[int]
policy: _descriptor.FieldDescriptor
RULE_FIELD_NUMBER: _ClassVar[int]
rule: _descriptor.FieldDescriptor

class MethodPolicy(_message.Message):
    __slots__ = ("callers", "audit_action", "audit_resource", "starts_run", "scope")
    CALLERS_FIELD_NUMBER: _ClassVar[int]
    AUDIT_ACTION_FIELD_NUMBER: _ClassVar[int]
    AUDIT_RESOURCE_FIELD_NUMBER: _ClassVar[int]
    STARTS_RUN_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    callers: _containers.RepeatedScalarFieldContainer[Caller]
    audit_action: str
    audit_resource: str
    starts_run: bool
    scope: str
    def __init__(self, callers: _Optional[_Iterable[_Union[Caller, str]]] = ..., audit_action: _Optional[str] = ..., audit_resource: _Optional[str] = ..., starts_run: bool = ..., scope: _Optional[str] = ...) -> None: ...

class FieldRule(_message.Message):
    __slots__ = ("required", "pattern", "max_length", "uuid", "minimum", "has_minimum", "one_of", "path", "body_of", "maximum", "has_maximum")
    REQUIRED_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    MAX_LENGTH_FIELD_NUMBER: _ClassVar[int]
    UUID_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    HAS_MINIMUM_FIELD_NUMBER: _ClassVar[int]
    ONE_OF_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    BODY_OF_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    HAS_MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    required: bool
    pattern: str
    max_length: int
    uuid: bool
    minimum: int
    has_minimum: bool
    one_of: _containers.RepeatedScalarFieldContainer[str]
    path: bool
    body_of: str
    maximum: int
    has_maximum: bool
    def __init__(self, required: bool = ..., pattern: _Optional[str] = ..., max_length: _Optional[int] = ..., uuid: bool = ..., minimum: _Optional[int] = ..., has_minimum: bool = ..., one_of: _Optional[_Iterable[str]] = ..., path: bool = ..., body_of: _Optional[str] = ..., maximum: _Optional[int] = ..., has_maximum: bool = ...) -> None: ...
