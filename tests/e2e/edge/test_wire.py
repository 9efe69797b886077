"""The wire of native gRPC: bad frames harm nobody but their sender."""

from __future__ import annotations

import struct
from typing import Any

import grpc.aio
import pytest
from datapipeline.v1 import pipelines_pb2

from sandbox.edge import Edge
from tests.e2e.edge.test_access_log import logged
from tests.fakes.echo_service import EchoService
from tests.fakes.http2_frames import END_STREAM, MAX_CONCURRENT_STREAMS, Frame, Type, call, connected
from tests.fakes.rest_client import GET_RUN, RUN_ID, RestClient

GET = "/datapipeline.v1.PipelineService/GetRun"
MESSAGE = b"\x00\x00\x00\x00\x00"
HANG = (("x-echo-hang", "1"),)


@pytest.mark.parametrize("path", ["/datapipeline.v1.PipelineService/Nope", "/datapipeline.v2.Nope/Run", "/nope"])
async def test_an_unknown_method_is_unimplemented(channel: grpc.aio.Channel, echo: EchoService, path: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await channel.unary_unary(path, bytes, bytes)(b"")
    assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert not echo.calls


async def test_a_garbage_message_is_the_services_answer(channel: grpc.aio.Channel, echo: EchoService) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await channel.unary_unary(GET, bytes, bytes)(b"\xff\xff\xff")
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert not echo.calls


async def test_a_far_deadline_is_cut(pipelines: Any, echo: EchoService) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await pipelines.GetRun(pipelines_pb2.GetRunRequest(run_id=RUN_ID), timeout=99_999_999, metadata=HANG)
    assert ended.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    await echo.cancelled.wait()


async def test_a_callers_deadline_ends_the_call_behind(pipelines: Any, echo: EchoService) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await pipelines.GetRun(pipelines_pb2.GetRunRequest(run_id=RUN_ID), timeout=0.2, metadata=HANG)
    assert ended.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    await echo.cancelled.wait()


@pytest.mark.parametrize("value", ["1n", "soon", "99999999H", "-1S", ""])
async def test_any_grpc_timeout_gets_an_answer(edge: Edge, rest: RestClient, echo: EchoService, value: str) -> None:
    async with connected(edge.listen) as connection:
        connection.send(call(1, GET, (("grpc-timeout", value),)), Frame(Type.DATA, END_STREAM, 1, MESSAGE))
        ended = await connection.end_of(1)
    assert ended[-1].type in (Type.HEADERS, Type.RST_STREAM)
    assert (await rest.ask("GET", GET_RUN)).status == 200
    assert echo.calls


async def test_headers_without_data_are_given_up(edge: Edge, echo: EchoService) -> None:
    async with connected(edge.listen) as connection:
        connection.send(call(1, GET))
        assert (await connection.until(Type.HEADERS, 1)) is not None
    assert not echo.calls


async def test_a_connection_has_a_hundred_streams_at_most(edge: Edge, echo: EchoService) -> None:
    async with connected(edge.listen) as connection:
        settings = await connection.until(Type.SETTINGS)
        assert settings is not None
        pairs = dict(struct.iter_unpack(">HI", settings.payload))
        assert pairs[MAX_CONCURRENT_STREAMS] == 100
        for stream in range(1, 2001, 2):
            connection.send(call(stream, GET, HANG), Frame(Type.DATA, END_STREAM, stream, MESSAGE))
        refused = await connection.until(Type.RST_STREAM)
        assert refused is None or refused.stream > 200
    assert len(echo.calls) <= 100


async def test_a_flood_of_resets_closes_its_connection_and_no_other(
    edge: Edge, rest: RestClient, echo: EchoService
) -> None:
    cancel = struct.pack(">I", 8)
    async with connected(edge.listen) as connection:
        for stream in range(1, 4001, 2):
            connection.send(call(stream, GET, HANG), Frame(Type.RST_STREAM, 0, stream, cancel))
        ended = [frame.type async for frame in connection.frames()]
    assert len(ended) < 2000
    assert (await rest.ask("GET", GET_RUN)).status == 200
    assert echo.last.method == "GetRun"


async def test_two_messages_on_a_unary_call_get_an_answer(edge: Edge, rest: RestClient, echo: EchoService) -> None:
    async with connected(edge.listen) as connection:
        connection.send(call(1, GET), Frame(Type.DATA, END_STREAM, 1, MESSAGE * 2))
        ended = await connection.end_of(1)
    assert ended[-1].ends
    assert (await rest.ask("GET", GET_RUN)).status == 200
    assert echo.calls


@pytest.mark.parametrize(
    ("header", "message"),
    [
        pytest.param(("x-none", ""), b"\x01" + MESSAGE[1:], id="compressed_flag_without_compression"),
        pytest.param(("grpc-encoding", "gzip"), b"\x01\x00\x00\x00\x02no", id="plain_bytes_called_gzip"),
        pytest.param(("grpc-encoding", "lzma"), b"\x01\x00\x00\x00\x02no", id="unknown_compression"),
    ],
)
async def test_what_grpc_itself_refuses_has_a_status_and_harms_nobody_else(
    edge: Edge, rest: RestClient, echo: EchoService, header: tuple[str, str], message: bytes
) -> None:
    request_id = f"wire-{header[0]}-{message.hex()}"
    async with connected(edge.listen) as connection:
        named = (header, ("x-request-id", request_id))
        connection.send(call(1, GET, named), Frame(Type.DATA, END_STREAM, 1, message))
        assert (await connection.end_of(1))[-1].type == Type.HEADERS
    entry = await logged(edge, request_id)
    assert entry["grpc_status"] in {"INTERNAL", "UNIMPLEMENTED", "INVALID_ARGUMENT", "UNKNOWN"}
    assert (await rest.ask("GET", GET_RUN)).status == 200
    assert [call.method for call in echo.calls] == ["GetRun"]


async def test_garbage_instead_of_http_closes_the_connection(rest: RestClient, echo: EchoService) -> None:
    answer = await rest.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64)
    assert not answer or answer.startswith(b"HTTP/1.1 400 ")
    assert not echo.calls
