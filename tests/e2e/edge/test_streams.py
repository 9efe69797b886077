"""The event stream: lines or server-sent events, each flushed as it happens."""

from __future__ import annotations

import asyncio
import json

import grpc
import pytest
from datapipeline.v1 import run_pb2

from tests.fakes.echo_service import Drop, EchoService, Refusal
from tests.fakes.rest_client import EVENTS, RestClient

STARTED = run_pb2.RunEvent(sequence=1, type="STARTED", status="RUNNING")
TERMINAL = run_pb2.RunEvent(sequence=2, type="TERMINAL", status="COMPLETED")


@pytest.fixture
def story(echo: EchoService) -> EchoService:
    echo.answers["WatchRun"] = [STARTED, TERMINAL]
    return echo


@pytest.mark.parametrize("accept", ["", "*/*", "application/x-ndjson", "application/json"])
async def test_events_are_lines_by_default(rest: RestClient, story: EchoService, accept: str) -> None:
    reply = await rest.ask("GET", EVENTS, {"Accept": accept})
    assert reply.headers["Content-Type"] == "application/x-ndjson"
    assert [json.loads(line)["sequence"] for line in reply.body.splitlines()] == [1, 2]
    assert story.last.method == "WatchRun"


@pytest.mark.parametrize("accept", ["text/event-stream", "TEXT/EVENT-STREAM", "text/html, text/event-stream;q=0.9"])
async def test_server_sent_events_on_request(rest: RestClient, story: EchoService, accept: str) -> None:
    reply = await rest.ask("GET", f"{EVENTS}?after=1", {"Accept": accept})
    assert reply.headers["Content-Type"] == "text/event-stream"
    event, end = reply.body.split(b"\n\n")
    assert json.loads(event.removeprefix(b"data: "))["type"] == "TERMINAL"
    assert end == b""
    assert story.last.request["after"] == 1


@pytest.mark.parametrize("accept", ["*/*", "text/event-stream"])
async def test_an_event_arrives_before_the_next_one_happens(rest: RestClient, story: EchoService, accept: str) -> None:
    async with rest.open("GET", EVENTS, {"Accept": accept, "x-echo-gate": "1"}) as response:
        assert b"STARTED" in await response.content.readline()
        story.gate.set()
        assert b"TERMINAL" in await response.content.readuntil(b"TERMINAL")


async def test_a_caller_that_leaves_ends_the_call_behind(rest: RestClient, story: EchoService) -> None:
    async with rest.open("GET", EVENTS, {"x-echo-gate": "1"}) as response:
        await response.content.readline()
        await story.waiting.wait()
        response.close()
    async with asyncio.timeout(1):
        await story.cancelled.wait()


async def test_a_stream_outlasts_the_deadline_of_other_calls(rest: RestClient, story: EchoService) -> None:
    async with rest.open("GET", EVENTS, {"x-echo-gate": "1"}) as watched:
        await watched.content.readline()
        assert (await rest.ask("GET", EVENTS.removesuffix("/events"), {"x-echo-hang": "1"})).status == 504
        story.gate.set()
        assert b"TERMINAL" in await watched.content.readline()


async def test_a_failure_before_the_first_event_is_an_error(rest: RestClient, echo: EchoService) -> None:
    echo.answers["WatchRun"] = [Refusal(grpc.StatusCode.NOT_FOUND, "RUN_NOT_FOUND")]
    for accept in ("*/*", "text/event-stream"):
        assert (await rest.ask("GET", EVENTS, {"Accept": accept})).refusal == (404, 5, "RUN_NOT_FOUND")


async def test_a_stream_that_breaks_has_no_terminal_event(rest: RestClient, echo: EchoService) -> None:
    echo.answers["WatchRun"] = [STARTED, Drop(), TERMINAL]
    broken = await rest.ask("GET", EVENTS)
    assert [json.loads(line)["type"] for line in broken.body.splitlines()] == ["STARTED"]
    resumed = await rest.ask("GET", f"{EVENTS}?after=1")
    assert [json.loads(line)["type"] for line in resumed.body.splitlines()] == ["TERMINAL"]
