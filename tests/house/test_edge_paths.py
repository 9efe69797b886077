"""The edge and the contract agree on every path, method and stream."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from datapipeline.v1 import health_pb2, options_pb2, pipelines_pb2, procedures_pb2, scheduler_pb2
from google.api import annotations_pb2
from google.protobuf.descriptor import MethodDescriptor

from server.edge import DESCRIPTORS, Address, EdgeOptions, render
from server.edge_contract import descriptor_set, path_variables
from server.grpc import METADATA_BYTES

METHODS: list[MethodDescriptor] = [
    method
    for module in (health_pb2, pipelines_pb2, procedures_pb2, scheduler_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]
each_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
AFTERWARDS = {"reset", "unavailable"}  # the service may have had the call
CONFIG = yaml.safe_load(render(EdgeOptions(Address("127.0.0.1", 0), (Address("127.0.0.1", 1),), "127.0.0.1:0")))
MANAGER = CONFIG["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
ROUTES = MANAGER["route_config"]["virtual_hosts"][0]["routes"]
TRANSCODER = next(f for f in MANAGER["http_filters"] if f["name"].endswith("transcoder"))["typed_config"]


def option(described: Any, extension: Any) -> Any:
    """Read an option; the extension's own type is lost in untyped generated code."""
    return described.GetOptions().Extensions[extension]


def bindings(method: MethodDescriptor) -> list[tuple[str, str, str]]:
    """Verb, path and body of every way to call the method by REST."""
    rule = option(method, annotations_pb2.http)
    found = []
    for binding in (rule, *rule.additional_bindings):
        verb = binding.WhichOneof("pattern")
        custom = binding.custom
        found.append(
            (custom.kind, custom.path, "") if verb == "custom" else (verb, getattr(binding, verb), binding.body)
        )
    return found


def in_path(method: MethodDescriptor) -> set[str]:
    return {name for _, path, _ in bindings(method) for name in re.findall(r"\{(\w+)\}", path)}


def native_route(method: MethodDescriptor) -> Any:
    path = f"/{method.containing_service.full_name}/{method.name}"
    for route in (route for route in ROUTES if "route" in route):
        regex = route["match"].get("safe_regex", {}).get("regex")
        if (regex and re.fullmatch(regex, path)) or route["match"].get("grpc") == {}:
            return route["route"]
    raise AssertionError(path)


def test_the_service_admits_what_the_edge_makes_of_the_largest_headers() -> None:
    (size,) = re.findall(r"'int64_value': (\d+)", str(MANAGER["http_filters"][0]))
    admitted = int(size)
    the_path_again, a_hundred_headers = admitted, 100 * 32
    assert admitted + the_path_again + a_hundred_headers <= METADATA_BYTES


def test_the_transcoder_serves_every_service() -> None:
    assert set(TRANSCODER["services"]) == {method.containing_service.full_name for method in METHODS}


def test_no_query_parameter_can_override_a_path_variable() -> None:
    named = set().union(*(in_path(method) for method in METHODS))
    assert set(TRANSCODER["ignored_query_parameters"]) == named == path_variables(descriptor_set(DESCRIPTORS))


@each_method
def test_what_the_contract_marks_as_path_is_bound_by_the_path(method: MethodDescriptor) -> None:
    marked = {field.name for field in method.input_type.fields if option(field, options_pb2.rule).path}
    assert marked == in_path(method)


@each_method
def test_no_query_parameter_is_ignored_by_mistake(method: MethodDescriptor) -> None:
    free = {field.name for field in method.input_type.fields} - in_path(method)
    bodies = {body for _, _, body in bindings(method)}
    if "body" not in bodies:  # which holds what no path names; a query may, too, but need not
        assert not (free - bodies) & set(TRANSCODER["ignored_query_parameters"])


@each_method
def test_every_body_reaches_the_service_whole(method: MethodDescriptor) -> None:
    messages = {f.name: f.message_type.full_name for f in method.input_type.fields if f.message_type is not None}
    bodies = {body for _, _, body in bindings(method) if body}
    assert {messages[body] for body in bodies} <= {"google.protobuf.Struct"}
    targets = {field.name: option(field, options_pb2.rule).body_of for field in method.input_type.fields}
    assert {name for name, target in targets.items() if target} == bodies - {"parameters"}
    assert set(targets.values()) <= {"", ".", *messages}


@each_method
def test_every_post_takes_a_body(method: MethodDescriptor) -> None:
    assert all(body for verb, _, body in bindings(method) if verb == "post")


@each_method
def test_only_reads_are_sent_again(method: MethodDescriptor) -> None:
    reads = {verb for verb, _, _ in bindings(method)} <= {"get", "HEAD"}
    told = set(native_route(method)["retry_policy"]["retry_on"].split(","))
    assert told - {"connect-failure", "refused-stream", "reset-before-request"} == (AFTERWARDS if reads else set())


@each_method
def test_only_streams_have_no_deadline(method: MethodDescriptor) -> None:
    assert (native_route(method)["timeout"] == "0s") == method.server_streaming


@each_method
def test_a_streams_path_chooses_its_format(method: MethodDescriptor) -> None:
    paths = [path.replace("{", "").replace("}", "") for _, path, _ in bindings(method)]
    formats = [r for r in ROUTES if "route" in r and "json_transcoder" in str(r.get("typed_per_filter_config"))]
    assert len(formats) == 1
    matched = [bool(re.fullmatch(formats[0]["match"]["safe_regex"]["regex"], path)) for path in paths]
    assert matched == [method.server_streaming] * len(paths)
