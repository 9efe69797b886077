"""Calls of the contract made from its descriptors: any method with any fields, by native gRPC and by every REST path.

An `Answer` is all that a caller can compare, without the time and whatever the caller itself sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import grpc.aio
from attrs import frozen
from datapipeline.v1 import health_pb2, options_pb2, pipelines_pb2, procedures_pb2, scheduler_pb2
from google.api import annotations_pb2
from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2

from tests.fakes.rest_client import RestClient

METHODS: Mapping[str, MethodDescriptor] = {
    method.name: method
    for module in (health_pb2, pipelines_pb2, procedures_pb2, scheduler_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
PASSING = {"date", "x-envoy-upstream-service-time"}
PATIENCE = 20.0

Fields = Mapping[str, Any]
Headers = Mapping[str, str]


@frozen
class Answer:
    """What came back; `reason` is empty for an answer that is no refusal."""

    reason: str
    seen: tuple[Any, ...]
    body: bytes


@frozen
class RestPath:
    """One binding of a method with its fields filled in."""

    verb: str
    path: str
    body: str | None


def option(described: Any, extension: Any) -> Any:
    """Read an option; the extension's own type is lost in untyped generated code."""
    return described.GetOptions().Extensions[extension]


def policy_of(method: MethodDescriptor) -> options_pb2.MethodPolicy:
    """Return who may call a method."""
    policy: options_pb2.MethodPolicy = option(method, options_pb2.policy)
    return policy


def rest_paths(method: MethodDescriptor, fields: Fields) -> Iterator[RestPath]:
    """Yield the method's calls by REST: what no path names goes to the query, or to the body of a binding with one."""
    rule = option(method, annotations_pb2.http)
    for binding in (rule, *rule.additional_bindings):
        verb = binding.WhichOneof("pattern")
        path = binding.custom.path if verb == "custom" else getattr(binding, verb)
        named = re.findall(r"\{(\w+)\}", path)
        for name in named:
            path = path.replace(f"{{{name}}}", quote(str(fields[name]), safe=""))
        rest = {name: value for name, value in fields.items() if name not in named}
        body = _body(method, binding.body, rest)
        query = f"?{urlencode(rest)}" if rest and body is None else ""
        yield RestPath(binding.custom.kind if verb == "custom" else verb.upper(), path + query, body)


def _body(method: MethodDescriptor, field: str, rest: Fields) -> str | None:
    if not field:
        return None
    members = option(method.input_type.fields_by_name[field], options_pb2.rule).body_of
    if not members:
        return json.dumps(rest.get(field, {}))
    return json.dumps(rest if members == "." else rest.get(members, {}))


async def by_rest(client: RestClient, method: MethodDescriptor, fields: Fields, headers: Headers) -> list[Answer]:
    """Call every REST path of a method."""
    found = []
    for call in rest_paths(method, fields):
        reply = await client.ask(call.verb, call.path, headers, call.body)
        reason = "" if reply.status == 200 else reply.info["reason"]
        found.append(Answer(reason, (reply.status, _told(reply.headers.items()), reply.body), reply.body))
    return found


async def by_grpc(
    channel: grpc.aio.Channel, method: MethodDescriptor, fields: Fields, headers: Headers
) -> list[Answer]:
    """Call a method by native gRPC and read its whole answer."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    message = json_format.ParseDict(dict(fields), GetMessageClass(method.input_type)()).SerializeToString()
    send: Any = channel.unary_stream(path, None, None)  # grpc's types know no calls of plain bytes
    call = send(message, metadata=tuple(headers.items()), timeout=PATIENCE)
    try:
        body = b"".join([part async for part in call])
        return [Answer("", (_told(await call.initial_metadata()), _told(await call.trailing_metadata()), body), body)]
    except grpc.aio.AioRpcError as error:
        trailing: Any = error.trailing_metadata()
        status = status_pb2.Status.FromString(dict(trailing).get("grpc-status-details-bin", b""))
        said = repr((error.code(), error.details(), status.SerializeToString()))
        return [Answer(_reason(status), (_told(error.initial_metadata()), _told(trailing), said), said.encode())]


def _told(headers: Any) -> list[tuple[str, Any]]:
    return sorted((name.lower(), value) for name, value in headers or () if name.lower() not in PASSING)


def _reason(status: status_pb2.Status) -> str:
    info = error_details_pb2.ErrorInfo()
    return next((info.reason for detail in status.details if detail.Unpack(info)), "no reason")
