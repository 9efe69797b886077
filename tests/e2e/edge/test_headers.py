"""Headers: what becomes metadata, what is taken away, what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from datapipeline.v1 import pipelines_pb2

from sandbox.edge import Edge
from tests.fakes.echo_service import EchoService
from tests.fakes.http2_frames import connected, headers
from tests.fakes.rest_client import GET_RUN, RUN, RUN_ID, RestClient

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-API-Key", "acme_api_0123456789"),
        ("X-API-Key", "with spaces inside"),
        ("X-CA-Root-Key", "root"),
        ("Idempotency-Key", "order-1"),
        ("X-Request-Id", "mine-1"),
        ("traceparent", TRACE),
    ],
)
async def test_a_header_arrives_as_metadata(rest: RestClient, echo: EchoService, header: str, value: str) -> None:
    await rest.ask("POST", RUN, {header: value})
    assert echo.last.values(header.lower()) == [value]


async def test_headers_that_are_too_large_are_told_so_over_http_2(edge: Edge, echo: EchoService) -> None:
    fields = [(":method", "GET"), (":scheme", "http"), (":path", GET_RUN), (":authority", "x")]
    async with connected(edge.listen) as connection:
        connection.send(headers(1, [*fields, ("x-api-key", "k" * 12_000)], end=True))
        head, body = await connection.end_of(1)
    assert b"431" in head.payload
    assert json.loads(body.payload)["details"][0]["reason"] == "REQUEST_TOO_LARGE"
    assert not echo.calls


async def test_metadata_up_to_the_limit_arrives(rest: RestClient, echo: EchoService) -> None:
    assert (await rest.ask("GET", GET_RUN, {"Idempotency-Key": "k" * 7 * 1024})).status == 200
    assert len(echo.last.values("idempotency-key")[0]) == 7 * 1024


@pytest.mark.item("B31")
@pytest.mark.parametrize(
    "name",
    [
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-client-cert",
        "x-envoy-original-path",
        "x-envoy-external-address",
        "x-envoy-retry-on",
        "x-envoy-upstream-rq-timeout-ms",
        "x-internal-principal",
        "x-datapipeline-org",
        "forwarded",
        "x-real-ip",
        "true-client-ip",
    ],
)
async def test_no_caller_says_what_only_the_edge_may_say(
    rest: RestClient, echo: EchoService, pipelines: Any, name: str
) -> None:
    await rest.ask("GET", GET_RUN, {name: "6.6.6.6"})
    await pipelines.GetRun(pipelines_pb2.GetRunRequest(run_id=RUN_ID), metadata=((name, "6.6.6.6"),))
    assert [call.method for call in echo.calls] == ["GetRun", "GetRun"]
    assert all("6.6.6.6" not in str(call.values(name)) for call in echo.calls)


@pytest.mark.parametrize("name", ["x-trace-bin", "grpc-trace-bin", "grpc-previous-rpc-attempts"])
async def test_metadata_that_nobody_behind_reads_is_taken_away_from_native_grpc(
    echo: EchoService, pipelines: Any, name: str
) -> None:
    value = b"\x00\xff" if name.endswith("-bin") else "1"
    await pipelines.GetRun(pipelines_pb2.GetRunRequest(run_id=RUN_ID), metadata=((name, value),))
    assert not echo.last.values(name)
