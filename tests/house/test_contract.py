"""The contract: every RPC says who may call it, where it is over REST, and what it answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from datapipeline.v1 import health_pb2, options_pb2, pipelines_pb2, procedures_pb2, scheduler_pb2
from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from server import grpc as wire

DESCRIPTORS = Path(__file__).parents[2] / "proto" / "gen" / "descriptors.binpb"
METHODS: list[MethodDescriptor] = [
    method
    for module in (pipelines_pb2, scheduler_pb2, procedures_pb2, health_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]
NAMES = [method.full_name for method in METHODS]


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
def test_every_rpc_has_a_policy_and_a_path(method: MethodDescriptor) -> None:
    policy = _option(method, options_pb2.policy)
    assert policy.callers
    assert bool(policy.audit_action) == bool(policy.audit_resource)
    assert _http(method).WhichOneof("pattern")


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
def test_fields_of_a_path_are_marked_and_bounded(method: MethodDescriptor) -> None:
    http = _http(method)
    template = getattr(http, http.WhichOneof("pattern") or "")
    in_path = {part.strip("{}") for part in str(template).split("/") if part.startswith("{")}
    marked = {field.name for field in method.input_type.fields if _rule(field).path}
    assert marked == in_path
    assert all(_rule(field).pattern or _rule(field).uuid for field in method.input_type.fields if _rule(field).path)


def test_every_rpc_message_and_field_has_a_comment() -> None:
    described = FileDescriptorSet.FromString(DESCRIPTORS.read_bytes())
    for file in (file for file in described.file if file.package == "datapipeline.v1"):
        commented = {tuple(place.path) for place in file.source_code_info.location if place.leading_comments.strip()}
        for service_index, service in enumerate(file.service):
            for method_index, method in enumerate(service.method):
                assert (6, service_index, 2, method_index) in commented, method.name
        for message_index, message in enumerate(file.message_type):
            assert (4, message_index) in commented, message.name
            for field_index, field in enumerate(message.field):
                assert (4, message_index, 2, field_index) in commented, f"{message.name}.{field.name}"


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
def test_every_number_of_an_answer_is_a_number_in_json(method: MethodDescriptor) -> None:
    written_as_text = {kind for kind in vars(FieldDescriptor) if kind.startswith("TYPE_") and kind.endswith("64")}
    kinds = {getattr(FieldDescriptor, kind) for kind in written_as_text}
    assert len(kinds) == 5
    assert [field.full_name for field in _fields_of(method.output_type) if field.type in kinds] == []


def test_the_server_serves_exactly_the_contract() -> None:
    served = {name.rsplit("/", 1)[0].lstrip("/") for name in wire.policies(reflection_for_root=False)}
    assert {method.containing_service.full_name for method in METHODS} <= served


def _option(described: Any, extension: Any) -> Any:
    return described.GetOptions().Extensions[extension]


def _fields_of(message: Any) -> Iterator[FieldDescriptor]:
    for field in message.fields:
        yield field
        if field.message_type is not None and field.message_type.full_name.startswith("datapipeline."):
            yield from _fields_of(field.message_type)


def _http(method: MethodDescriptor) -> http_pb2.HttpRule:
    rule: http_pb2.HttpRule = _option(method, annotations_pb2.http)
    return rule


def _rule(field: FieldDescriptor) -> options_pb2.FieldRule:
    rule: options_pb2.FieldRule = _option(field, options_pb2.rule)
    return rule
