"""What answers a caller is kept: headers, whole bodies, lines of streams, messages, statuses and their details."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import grpc
import grpc.aio
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from datapipeline.v1 import pipelines_pb2, pipelines_pb2_grpc, run_pb2

from tests.fakes.answers import Answers
from tests.fakes.echo_service import EchoService, Refusal

WATCHED = run_pb2.RunEvent(sequence=1, message="in the stream")
REFUSED = Refusal(grpc.StatusCode.NOT_FOUND, "ABSENT", "in the status", {"of": "in the details"})
GET, WATCH = pipelines_pb2.GetRunRequest(run_id="in the message"), pipelines_pb2.WatchRunRequest(run_id="x")


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
async def echo() -> AsyncIterator[EchoService]:
    service = EchoService()
    await service.start()
    yield service
    await service.stop()


@pytest.fixture
async def pipelines(echo: EchoService, answers: Answers) -> AsyncIterator[pipelines_pb2_grpc.PipelineServiceStub]:
    async with answers.channel(echo.target) as channel:
        yield pipelines_pb2_grpc.PipelineServiceStub(channel)


async def test_messages_are_kept_and_handed_on(
    pipelines: pipelines_pb2_grpc.PipelineServiceStub, answers: Answers
) -> None:
    assert (await pipelines.GetRun(GET)).run_id == "in the message"
    assert b"in the message" in answers.text


async def test_messages_of_streams_are_kept_while_they_come(
    echo: EchoService, pipelines: pipelines_pb2_grpc.PipelineServiceStub, answers: Answers
) -> None:
    echo.answers["WatchRun"] = [WATCHED, REFUSED]
    watched = pipelines.WatchRun(WATCH)
    assert (await anext(aiter(watched))).message == "in the stream"
    assert b"in the stream" in answers.text
    assert b"in the status" not in answers.text
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        _ = [event async for event in watched]
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    assert b"in the status" in answers.text
    assert b"in the details" in answers.text


async def test_statuses_and_their_details_are_kept_and_raised(
    echo: EchoService, pipelines: pipelines_pb2_grpc.PipelineServiceStub, answers: Answers
) -> None:
    echo.answers["GetRun"] = REFUSED
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await pipelines.GetRun(GET)
    assert caught.value.details() == "in the status"
    assert b"in the status" in answers.text
    assert b"in the details" in answers.text


async def test_headers_bodies_and_lines_are_kept(answers: Answers) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=f"line 1 of {request.path}\nline 2", headers={"X-Said": f"head of {request.path}"})

    app = web.Application()
    app.router.add_get("/{any}", answer)
    async with TestServer(app) as server, aiohttp.ClientSession(trace_configs=[answers.tracing()]) as session:
        await (await session.get(server.make_url("/whole"))).text()
        async with session.get(server.make_url("/stream")) as stream:
            assert [line async for line in answers.lines(stream)] == [b"line 1 of /stream\n", b"line 2"]
    for kept in (b"head of /whole", b"line 1 of /whole", b"head of /stream", b"line 1 of /stream"):
        assert kept in answers.text
