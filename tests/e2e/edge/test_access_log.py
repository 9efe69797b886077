"""The access log: one JSON line per call, with names and numbers but nothing a caller would call a secret."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import grpc.aio
import pytest

from sandbox.edge import Edge
from tests.fakes.echo_service import EchoService
from tests.fakes.rest_client import GET_RUN, RUN, RestClient

GET = "/datapipeline.v1.PipelineService/GetRun"
CANARY = "canary-7f3a"


async def logged(edge: Edge, request_id: str) -> dict[str, Any]:
    """Return the line of a request; Envoy writes every quarter of a second."""
    async with asyncio.timeout(5):
        while True:
            for line in edge.log.read_text().splitlines():
                if line.startswith("{") and json.loads(line)["request_id"] == request_id:
                    entry: dict[str, Any] = json.loads(line)
                    return entry
            await asyncio.sleep(0.05)


async def test_a_line_says_what_was_called_and_how_it_ended(edge: Edge, rest: RestClient, echo: EchoService) -> None:
    await rest.ask("POST", RUN, {"X-Request-Id": "log-1", "x-echo-code": "NOT_FOUND"})
    entry = await logged(edge, "log-1")
    assert (entry["method"], entry["path"], entry["status"]) == ("POST", RUN, 404)
    assert entry["upstream"] == echo.target
    assert entry["duration_ms"] >= 0


async def test_a_native_call_has_its_status(edge: Edge, channel: grpc.aio.Channel, echo: EchoService) -> None:
    asked = (("x-request-id", "log-3"), ("x-echo-code", "NOT_FOUND"))
    with pytest.raises(grpc.aio.AioRpcError):
        await channel.unary_unary(GET, bytes, bytes)(b"", metadata=asked)
    entry = await logged(edge, "log-3")
    assert (entry["path"], entry["grpc_status"]) == (GET, "NOT_FOUND")
    assert echo.calls


async def test_no_secret_is_written(edge: Edge, rest: RestClient, echo: EchoService) -> None:
    secrets = {"X-API-Key": CANARY, "X-CA-Root-Key": CANARY, "Authorization": CANARY, "Cookie": CANARY}
    await rest.ask("GET", f"{GET_RUN}?api_key={CANARY}", secrets)
    await rest.ask("POST", RUN, secrets, f'{{"a": {CANARY}}}')
    await rest.ask("POST", f"{RUN}?run_id={CANARY}", secrets | {"User-Agent": CANARY, "Referer": CANARY}, f'"{CANARY}"')
    await rest.ask("GET", GET_RUN, secrets | {"X-Request-Id": "log-2"})
    await logged(edge, "log-2")
    assert CANARY not in edge.log.read_text()
    assert echo.calls
