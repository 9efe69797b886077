"""What is no request, what is no method, and what is too much."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from datapipeline.v1.pipelines_pb2 import GetRunRequest, RunPipelineRequest
from datapipeline.v1.pipelines_pb2_grpc import PipelineServiceStub
from datapipeline.v1.run_pb2 import Run
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest
from grpc_reflection.v1alpha.reflection_pb2_grpc import ServerReflectionStub

from server.interceptors import wire
from tests.fakes.recording_pipelines import RecordingPipelines
from tests.plugins.service import AS_ACME, AS_ROOT, Serve, Served, drain, refusal_of

PIPELINES = "/datapipeline.v1.PipelineService/"
RUN = GetRunRequest(run_id="0f7b1c9e-43d5-4d5c-9a2b-1e6f8a7b9c0d")


def raw(served: Served, method: str, data: bytes, metadata: Any = AS_ACME) -> Any:
    channel: Any = served.channel
    return channel.unary_unary(method)(data, metadata=metadata)


def streamed(served: Served, messages: Any) -> Any:
    channel: Any = served.channel
    return channel.stream_unary(PIPELINES + "GetRun")(messages, metadata=AS_ACME)


def nested(depth: int) -> bytes:
    """A Struct in a Struct …, as a caller's own encoder may make it."""
    value = b""
    for _ in range(depth):
        value = _field(5, _field(1, _field(1, b"k") + _field(2, value)))
    return _field(5, value[2:] if depth == 0 else _field(1, _field(1, b"k") + _field(2, value)))


def _field(number: int, data: bytes) -> bytes:
    length, size = b"", len(data)
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + data


UNREADABLE = {
    "garbage": b"\xff\xff\xff\xff",
    "truncated": RunPipelineRequest(org="acme").SerializeToString()[:-1],
    "not UTF-8": b"\x0a\x02\xff\xfe",
    "nested too deep": nested(5000),
}


@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_bytes_that_are_no_request_are_a_bad_request(serve: Serve, data: bytes) -> None:
    behind = RecordingPipelines()
    served = await serve(behind)
    refusal = await refusal_of(raw(served, PIPELINES + "RunPipeline", data))
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "REQUEST_INVALID")
    assert not behind.reached
    assert "Error" not in refusal.text


async def test_bytes_that_are_no_request_need_a_key_like_any_other(serve: Serve) -> None:
    served = await serve(RecordingPipelines())
    assert (await refusal_of(raw(served, PIPELINES + "GetRun", b"\xff", ()))).code == "UNAUTHENTICATED"


@pytest.mark.parametrize("method", [PIPELINES + "Nothing", "/datapipeline.v1.Nothing/Run", "/x/y"])
async def test_a_method_that_does_not_exist_is_unimplemented(serve: Serve, method: str) -> None:
    served = await serve(RecordingPipelines())
    refusal = await refusal_of(raw(served, method, b"", ()))
    assert (refusal.code, refusal.reason) == ("UNIMPLEMENTED", "METHOD_NOT_FOUND")
    assert "made-1" in refusal.trailing["x-request-id"]


async def test_a_message_above_four_mebibytes_is_refused(serve: Serve) -> None:
    behind = RecordingPipelines()
    served = await serve(behind)
    refusal = await refusal_of(raw(served, PIPELINES + "GetRun", b"\x0a" * (4 * 1024 * 1024 + 1)))
    assert refusal.code == "RESOURCE_EXHAUSTED"
    assert not behind.reached


async def test_metadata_above_the_limit_is_refused(serve: Serve) -> None:
    behind = RecordingPipelines()
    served = await serve(behind)
    call = served.pipelines.GetRun(RUN, metadata=[("x-api-key", "k" * 65_536)])
    assert (await refusal_of(call)).code == "RESOURCE_EXHAUSTED"
    assert not behind.reached


async def test_a_call_without_a_request_is_a_bad_request(serve: Serve) -> None:
    served = await serve(RecordingPipelines())

    async def nothing() -> Any:
        return
        yield

    assert (await refusal_of(streamed(served, nothing()))).code == "INVALID_ARGUMENT"


async def test_a_call_with_two_requests_is_a_bad_request_and_neither_is_served(serve: Serve) -> None:
    behind = RecordingPipelines()
    served = await serve(behind)

    async def two() -> Any:
        yield RUN.SerializeToString()
        yield RUN.SerializeToString()

    refusal = await refusal_of(streamed(served, two()))
    assert (refusal.code, refusal.text) == ("INVALID_ARGUMENT", "the call carries more than one request")
    assert not behind.reached


@pytest.mark.parametrize("requests", [0, 1])
async def test_a_caller_that_never_ends_its_request_meets_a_deadline(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, requests: int
) -> None:
    monkeypatch.setattr(wire, "READ_SECONDS", 0.05)
    behind = RecordingPipelines()
    served = await serve(behind)

    async def endless() -> Any:
        for _ in range(requests):
            yield RUN.SerializeToString()
        await asyncio.Event().wait()

    assert (await refusal_of(streamed(served, endless()))).code == "DEADLINE_EXCEEDED"
    assert not behind.reached


async def test_a_large_answer_is_compressed_on_its_way(serve: Serve) -> None:
    async def large(_request: Any, _call: Any) -> Any:
        return Run(trigger_by="x" * 1_000_000)

    served = await serve(RecordingPipelines(instead=large))
    async with counting(served.address) as (address, passed), grpc.aio.insecure_channel(address) as channel:
        stub = PipelineServiceStub(channel)
        answer = await stub.GetRun(RUN, metadata=AS_ACME)
    assert len(answer.trigger_by) == 1_000_000
    assert sum(passed) < 50_000


@asynccontextmanager
async def counting(address: str) -> AsyncIterator[tuple[str, list[int]]]:
    """Relay TCP to an address and count the bytes that come back."""
    passed: list[int] = []

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter, count: list[int]) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65_536):
                count.append(len(data))
                sink.write(data)
        sink.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, up = await asyncio.open_connection(*address.split(":"))
        await asyncio.gather(copy(reader, up, []), copy(upstream, writer, passed))

    async with await asyncio.start_server(relay, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}", passed


async def test_an_unencodable_answer_is_an_internal_error(serve: Serve) -> None:
    async def wrong(_request: Any, _call: Any) -> Any:
        return "no message"

    served = await serve(RecordingPipelines(instead=wrong))
    assert (await refusal_of(served.pipelines.GetRun(RUN, metadata=AS_ACME))).code == "INTERNAL"


async def _listed(served: Served, metadata: Any) -> list[Any]:
    stub = ServerReflectionStub(served.channel)
    requests = iter([ServerReflectionRequest(list_services="")])
    return await drain(stub.ServerReflectionInfo(requests, metadata=metadata))


async def test_reflection_names_the_services(serve: Serve) -> None:
    served = await serve(RecordingPipelines())
    (answer,) = await _listed(served, ())
    names = {service.name for service in answer.list_services_response.service}
    assert {"datapipeline.v1.PipelineService", "grpc.health.v1.Health"} <= names


@pytest.mark.item("D60")
async def test_in_production_reflection_takes_the_root_key(serve: Serve) -> None:
    served = await serve(RecordingPipelines(), reflection_for_root=True)
    assert (await refusal_of(_listed(served, ()))).code == "UNAUTHENTICATED"
    assert (await refusal_of(_listed(served, AS_ACME))).code == "PERMISSION_DENIED"
    assert await _listed(served, AS_ROOT)
