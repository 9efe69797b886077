"""One port: browsers, gRPC-Web, native gRPC and reflection beside REST."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from datapipeline.v1 import pipelines_pb2

from sandbox.edge import Edge
from tests.fakes.echo_service import EchoService
from tests.fakes.rest_client import GET_RUN, RUN, RUN_ID, RestClient
from tests.plugins.envoy import ORIGIN, OTHER_ORIGIN

GRPCURL = Path(sys.executable).parent / "grpcurl"
GET = "/datapipeline.v1.PipelineService/GetRun"


async def grpcurl(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        str(GRPCURL), "-plaintext", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    return said.decode()


async def test_reflection_lists_every_service(edge: Edge, echo: EchoService) -> None:
    listed = set((await grpcurl(edge.listen, "list")).split())
    names = {"PipelineService", "SchedulerService", "ProcedureService", "HealthService"}
    assert {f"datapipeline.v1.{name}" for name in names} | {"grpc.health.v1.Health"} <= listed
    assert not echo.calls


async def test_grpcurl_calls_by_reflection(edge: Edge, echo: EchoService) -> None:
    answer = await grpcurl("-H", "x-api-key: k", "-d", json.dumps({"run_id": RUN_ID}), edge.listen, GET[1:])
    assert json.loads(answer)["run_id"] == RUN_ID, answer
    assert echo.last.values("x-api-key") == ["k"]


async def test_native_grpc_health_is_served(edge: Edge) -> None:
    assert json.loads(await grpcurl(edge.listen, "grpc.health.v1.Health/Check")) == {"status": "SERVING"}


async def test_native_streams_pass(pipelines: Any, echo: EchoService) -> None:
    watched = pipelines.WatchRun(pipelines_pb2.WatchRunRequest(run_id=RUN_ID))
    assert [event.type async for event in watched] == ["TERMINAL"]
    assert echo.last.request == {"run_id": RUN_ID}


@pytest.mark.parametrize("text", [False, True], ids=["binary", "text"])
async def test_grpc_web_passes(rest: RestClient, echo: EchoService, *, text: bool) -> None:
    message = pipelines_pb2.GetRunRequest(run_id=RUN_ID).SerializeToString()
    frame = b"\x00" + len(message).to_bytes(4) + message
    kind = "application/grpc-web-text" if text else "application/grpc-web+proto"
    headers = {"Content-Type": kind, "Accept": kind, "X-Grpc-Web": "1", "Origin": ORIGIN}
    reply = await rest.ask("POST", GET, headers, base64.b64encode(frame) if text else frame)
    body = _decoded(reply.body) if text else reply.body
    assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert RUN_ID.encode() in body
    assert b"grpc-status:0" in body.replace(b" ", b"")
    assert echo.last.request == {"run_id": RUN_ID}


def _decoded(text: bytes) -> bytes:
    """Undo base64 that was written in pieces, each with its own padding."""
    return b"".join(base64.b64decode(piece) for piece in re.findall(rb"[^=]+=*", text))


@pytest.mark.parametrize("origin", [ORIGIN, OTHER_ORIGIN])
async def test_an_allowed_origin_may_ask_beforehand(rest: RestClient, echo: EchoService, origin: str) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    reply = await rest.ask("OPTIONS", RUN, asked)
    assert reply.status == 200
    assert reply.headers["Access-Control-Allow-Origin"] == origin
    assert {"x-api-key", "idempotency-key"} <= set(reply.headers["Access-Control-Allow-Headers"].split(", "))
    assert not echo.calls


@pytest.mark.parametrize("path", [GET_RUN, "/nowhere"])
async def test_an_allowed_origin_may_read_answers_and_errors(rest: RestClient, path: str) -> None:
    reply = await rest.ask("GET", path, {"Origin": ORIGIN})
    assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "x-request-id" in reply.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("origin", ["https://evil.example.com", f"{ORIGIN}.evil.com", "null", ORIGIN.upper()])
async def test_another_origin_may_not(rest: RestClient, origin: str) -> None:
    asked = await rest.ask("OPTIONS", RUN, {"Origin": origin, "Access-Control-Request-Method": "POST"})
    read = await rest.ask("GET", GET_RUN, {"Origin": origin})
    assert "Access-Control-Allow-Origin" not in {**asked.headers, **read.headers}


async def test_the_contract_is_served_as_openapi_without_asking_the_service(
    rest: RestClient, echo: EchoService
) -> None:
    answer = await rest.ask("GET", "/openapi.json")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json["openapi"] == "3.1.0"
    assert not echo.calls
