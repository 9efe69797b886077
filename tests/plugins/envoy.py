"""The real Envoy in front of the echo service, once a session, with times short enough to be waited for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import grpc.aio
import pytest
import pytest_asyncio
from datapipeline.v1 import pipelines_pb2_grpc

from sandbox.edge import Edge
from tests.fakes.echo_service import EchoService
from tests.fakes.rest_client import RestClient

ORIGIN = "https://console.example.com"
OTHER_ORIGIN = "https://admin.example.com"
SECONDS = {"request_headers": 1, "request": 1.5, "unary": 1.5, "health_interval": 0.05, "delayed_close": 0.1}


@pytest_asyncio.fixture(scope="session")
async def echo_server() -> AsyncIterator[EchoService]:
    """Keep one echo service for the session."""
    echo = EchoService()
    await echo.start()
    yield echo
    await echo.stop()


@pytest.fixture
def echo(echo_server: EchoService) -> EchoService:
    """Hand out the echo service without what earlier tests left in it."""
    echo_server.reset()
    return echo_server


@pytest_asyncio.fixture(scope="session")
async def edge(echo_server: EchoService, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    """Keep one Envoy for the session."""
    edge = small_edge(echo_server.target, tmp_path_factory.mktemp("edge"))
    await edge.start()
    await edge.healthy()
    yield edge
    await edge.stop()


@pytest_asyncio.fixture(scope="session")
async def rest(edge: Edge) -> AsyncIterator[RestClient]:
    """Speak HTTP/1.1 to the edge."""
    async with aiohttp.ClientSession(skip_auto_headers=("User-Agent", "Accept")) as session:
        yield RestClient(edge.rest, session)


@pytest_asyncio.fixture(scope="session")
async def channel(edge: Edge) -> AsyncIterator[grpc.aio.Channel]:
    """Speak native gRPC to the edge."""
    async with grpc.aio.insecure_channel(edge.listen) as channel:
        yield channel


@pytest_asyncio.fixture(scope="session")
async def pipelines(channel: grpc.aio.Channel) -> Any:
    """Stub of the PipelineService on the native channel."""
    return pipelines_pb2_grpc.PipelineServiceStub(channel)


def small_edge(upstream: str, folder: Path) -> Edge:
    """Describe an Envoy with the suite's times and two allowed origins."""
    times = [word for name, seconds in SECONDS.items() for word in ("--seconds", f"{name}={seconds}")]
    return Edge(upstream, folder, arguments=(*times, "--cors-origin", f"{ORIGIN}, {OTHER_ORIGIN}"), concurrency=1)
