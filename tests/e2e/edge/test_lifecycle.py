"""The edge as a process: it keeps its port, says why it cannot start, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import grpc.aio
import psutil
import pytest
import pytest_asyncio
from datapipeline.v1 import pipelines_pb2, pipelines_pb2_grpc

from sandbox.edge import Edge, EdgeError
from tests.fakes.echo_service import EchoService
from tests.fakes.rest_client import GET_RUN, RUN_ID, RestClient
from tests.plugins.envoy import small_edge


@pytest_asyncio.fixture
async def own(echo: EchoService, tmp_path: Path) -> AsyncIterator[Edge]:
    """An Envoy of this test's own."""
    edge = small_edge(echo.target, tmp_path)
    await edge.start()
    await edge.healthy()
    yield edge
    await edge.stop()


async def test_a_restart_keeps_the_port(own: Edge) -> None:
    before, pid = own.rest, own.pid
    await own.stop()
    assert own.pid == 0
    await own.start()
    await own.healthy()
    assert (own.rest, own.pid != pid) == (before, True)


async def test_start_and_stop_may_be_repeated(own: Edge) -> None:
    pid = own.pid
    await own.start()
    assert own.pid == pid
    await own.stop()
    await own.stop()
    assert not psutil.pid_exists(pid)


async def test_a_death_is_reported(own: Edge) -> None:
    psutil.Process(own.pid).kill()
    async with asyncio.timeout(5):
        assert await own.wait() == -9
    assert own.pid == 0


async def test_a_stop_with_grace_lets_an_open_call_end(own: Edge, echo: EchoService) -> None:
    async with aiohttp.ClientSession() as session, asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        rest = RestClient(own.rest, session)
        call = tasks.create_task(rest.ask("GET", GET_RUN, {"x-echo-hang": "1"}))
        await echo.waiting.wait()
        stopped = tasks.create_task(own.stop(grace_seconds=5))
        echo.gate.set()
        reply = await call
        await stopped
    assert reply.status == 200
    assert own.pid == 0


async def test_a_stop_with_grace_lets_an_open_native_call_end(own: Edge, echo: EchoService) -> None:
    async with grpc.aio.insecure_channel(own.listen) as channel, asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        asked = pipelines_pb2.GetRunRequest(run_id=RUN_ID)
        stub: Any = pipelines_pb2_grpc.PipelineServiceStub(channel)
        call = stub.GetRun(asked, metadata=(("x-echo-hang", "1"),))
        opened = tasks.create_task(call.code())
        await echo.waiting.wait()
        stopped = tasks.create_task(own.stop(grace_seconds=5))
        echo.gate.set()
        await stopped
    assert opened.result() == grpc.StatusCode.OK
    assert own.pid == 0


async def test_a_taken_port_is_said(own: Edge, echo: EchoService, tmp_path: Path) -> None:
    other = Edge(echo.target, tmp_path / "other", listen=own.listen)
    with pytest.raises(EdgeError, match=r"(?s)did not start.*cannot bind"):
        await other.start()
    assert other.pid == 0


async def test_a_bad_address_is_said(tmp_path: Path) -> None:
    with pytest.raises(EdgeError, match="could not be rendered"):
        await Edge("nowhere", tmp_path).start()
