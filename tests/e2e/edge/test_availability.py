"""Availability: what is sent again, what is refused at once, and what a stopping service still answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
import pytest
import pytest_asyncio
from datapipeline.v1 import pipelines_pb2

from sandbox.edge import Edge
from tests.fakes.echo_service import EchoService
from tests.fakes.rest_client import EVENTS, GET_RUN, RUN, RUN_ID, RestClient

UNAVAILABLE = (503, 14, "SERVICE_UNAVAILABLE")


@pytest_asyncio.fixture
async def stopping(edge: Edge, echo: EchoService) -> AsyncIterator[EchoService]:
    """The service says NOT_SERVING and the edge has noticed."""
    await echo.set_serving(serving=False)
    await edge.healthy(serves=False)
    echo.reset()
    yield echo
    await echo.set_serving(serving=True)
    await edge.healthy()


@pytest_asyncio.fixture
async def gone(edge: Edge, echo: EchoService) -> AsyncIterator[EchoService]:
    """Nothing listens behind the edge, and the edge has not noticed yet."""
    await echo.stop()
    yield echo
    await echo.start()
    await edge.healthy()


@pytest.mark.parametrize(("method", "path"), [("GET", GET_RUN), ("GET", "/api/v1/pipelines"), ("GET", EVENTS)])
async def test_a_read_is_sent_again(rest: RestClient, echo: EchoService, method: str, path: str) -> None:
    reply = await rest.ask(method, path, {"x-echo-unavailable-times": "2", "x-request-id": "again"})
    assert reply.status == 200
    assert len(echo.calls) == (3 if path != EVENTS else 1)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", RUN), ("DELETE", GET_RUN), ("POST", f"{GET_RUN}/retry"), ("POST", f"{GET_RUN}/cancel")],
)
async def test_a_write_is_never_sent_twice(rest: RestClient, echo: EchoService, method: str, path: str) -> None:
    reply = await rest.ask(method, path, {"x-echo-unavailable-times": "1", "x-request-id": "once"})
    assert reply.refusal == UNAVAILABLE
    assert len(echo.calls) == 1


@pytest.mark.parametrize(("method", "calls"), [("GetRun", 3), ("RetryRun", 1)])
async def test_native_grpc_follows_the_same_rule(pipelines: Any, echo: EchoService, method: str, calls: int) -> None:
    request = getattr(pipelines_pb2, f"{method}Request")(run_id=RUN_ID)
    asked = (("x-echo-unavailable-times", "9"), ("x-request-id", "native"))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await getattr(pipelines, method)(request, metadata=asked)
    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
    assert len(echo.calls) == calls


@pytest.mark.parametrize(("method", "path"), [("GET", GET_RUN), ("POST", RUN), ("GET", EVENTS)])
async def test_a_stopping_service_gets_no_new_call(
    rest: RestClient, stopping: EchoService, method: str, path: str
) -> None:
    reply = await rest.ask(method, path)
    assert (reply.refusal, reply.headers["Retry-After"]) == (UNAVAILABLE, "1")
    assert not stopping.calls


async def test_a_stopping_service_finishes_what_it_has(rest: RestClient, edge: Edge, echo: EchoService) -> None:
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        call = tasks.create_task(rest.ask("GET", GET_RUN, {"x-echo-hang": "1"}))
        await echo.waiting.wait()
        await echo.set_serving(serving=False)
        await edge.healthy(serves=False)
        echo.gate.set()
    assert call.result().status == 200
    await echo.set_serving(serving=True)
    await edge.healthy()


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
async def test_health_is_asked_of_the_process_even_while_it_stops(
    rest: RestClient, stopping: EchoService, path: str
) -> None:
    assert (await rest.ask("GET", path)).status == 200
    assert stopping.calls


@pytest.mark.parametrize("path", [GET_RUN, "/health"])
async def test_nothing_behind_is_unavailable_without_saying_where(
    rest: RestClient, gone: EchoService, path: str
) -> None:
    reply = await rest.ask("GET", path)
    assert reply.refusal == UNAVAILABLE
    assert gone.target.encode() not in reply.body
    assert b"connect" not in reply.body


async def test_nothing_behind_is_unavailable_to_native_grpc(pipelines: Any, gone: EchoService) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await pipelines.ListPipelines(pipelines_pb2.ListPipelinesRequest())
    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
    assert refused.value.details() == "The service is not available. Try again."
    assert "google.rpc.RetryInfo" in str(refused.value.trailing_metadata())
    assert not gone.calls


async def test_calls_return_with_the_service(rest: RestClient, edge: Edge, echo: EchoService) -> None:
    await echo.stop()
    await edge.healthy(serves=False)
    await echo.start()
    await edge.healthy()
    assert (await rest.ask("POST", RUN)).status == 200


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/health/"])
async def test_head_of_health_has_no_body(rest: RestClient, echo: EchoService, path: str) -> None:
    request = f"HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    head, end, body = (await rest.raw(request.encode())).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert (end, body) == (b"\r\n\r\n", b"")
    assert echo.calls
