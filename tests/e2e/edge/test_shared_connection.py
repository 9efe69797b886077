"""All callers share the edge's connections to the service.

gRPC keeps a header that it cannot read in the connection's table, and refuses every later call that names the header.
"""

from __future__ import annotations

import pytest
from datapipeline.v1 import pipelines_pb2

from sandbox.edge import Edge
from tests.fakes.echo_service import EchoService
from tests.fakes.http2_frames import END_STREAM, Frame, Type, connected, headers
from tests.fakes.rest_client import RUN_ID, RestClient

GET = "/datapipeline.v1.PipelineService/GetRun"
MESSAGE = pipelines_pb2.GetRunRequest(run_id=RUN_ID).SerializeToString()
COMMON = {
    ":method": "POST",
    ":scheme": "http",
    ":path": GET,
    ":authority": "edge",
    "content-type": "application/grpc",
    "te": "trailers",
}
DATA = Frame(Type.DATA, END_STREAM, 1, b"\x00" + len(MESSAGE).to_bytes(4) + MESSAGE)


async def one_call(edge: Edge, *fields: tuple[str, str]) -> None:
    async with connected(edge.listen) as connection:
        connection.send(headers(1, (COMMON | dict(fields)).items()), DATA)
        await connection.end_of(1)


@pytest.mark.parametrize(
    ("name", "malformed", "fine"),
    [
        ("grpc-timeout", "soon", "9S"),
        ("grpc-timeout", "", "8S"),
        ("grpc-timeout", "123456789S", "7S"),
        ("x-trace-bin", "!!not base64!!", "AAEC"),
        ("grpc-trace-bin", "!!", "AAEC"),
        ("grpc-encoding", "lzma", "gzip"),
        ("grpc-accept-encoding", "lzma", "gzip"),
        ("grpc-previous-rpc-attempts", "many", "1"),
        ("grpc-retry-pushback-ms", "later", "1"),
        ("grpc-status", "ended", "0"),
        ("te", "gzip", "trailers"),
        ("content-type", "application/grpc+\xff", "application/grpc+proto"),
        (":method", "PATCH", "POST"),
        (":scheme", "ftp", "http"),
        (":authority", "a b", "edge"),
        ("lb-token", "\x80", "x"),
        ("user-agent", "\xff", "x"),
    ],
)
async def test_what_one_caller_says_wrongly_harms_no_other(
    edge: Edge, echo: EchoService, name: str, malformed: str, fine: str
) -> None:
    await one_call(edge, (name, malformed))
    echo.calls.clear()
    await one_call(edge, (name, fine))
    assert [call.method for call in echo.calls] == ["GetRun"]


@pytest.mark.parametrize("path", [GET, "/grpc.health.v1.Health/Check"])
@pytest.mark.parametrize(
    ("name", "malformed", "fine"), [("grpc-timeout", "now", "6S"), ("grpc-encoding", "br", "gzip")]
)
async def test_nor_does_what_a_browser_says_wrongly(
    edge: Edge, rest: RestClient, echo: EchoService, path: str, name: str, malformed: str, fine: str
) -> None:
    await rest.ask("POST", path, {"content-type": "application/grpc-web+proto", name: malformed}, DATA.payload)
    echo.calls.clear()
    await one_call(edge, (name, fine))
    assert [call.method for call in echo.calls] == ["GetRun"]
