"""Headers: what becomes metadata, what is taken away, what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from datapipeline.v1 import pipelines_pb2

from sandbox.edge import Edge
from tests.fakes.echo_service import EchoService
from tests.fakes.http2_frames import connected, headers
from tests.fakes.rest_client import GET_RUN, RUN, RUN_ID, RestClient, parsed
from tests.plugins.service import refusal_of

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


async def test_an_empty_key_stays_empty(rest: RestClient, echo: EchoService) -> None:
    await rest.ask("GET", GET_RUN, {"X-API-Key": ""})
    assert echo.last.values("x-api-key") in ([""], [])


async def test_a_repeated_key_is_not_made_into_one(rest: RestClient, echo: EchoService) -> None:
    request = f"GET {GET_RUN} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-API-Key: one\r\nX-API-Key: two\r\n\r\n"
    assert (parsed(await rest.raw(request.encode()))).status == 200
    assert echo.last.values("x-api-key") not in (["one"], ["two"])


async def test_a_key_that_is_not_ascii_never_is_a_server_error(rest: RestClient, echo: EchoService) -> None:
    request = f"GET {GET_RUN} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-API-Key: ключ\r\n\r\n"
    assert parsed(await rest.raw(request.encode())).status == 200
    assert echo.last.values("x-api-key") == ["ключ"]


async def test_a_nul_in_a_header_is_refused(rest: RestClient, echo: EchoService) -> None:
    request = f"GET {GET_RUN} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-API-Key: a\x00b\r\n\r\n"
    assert parsed(await rest.raw(request.encode())).refusal == (400, 3, "REQUEST_INVALID")
    assert not echo.calls


@pytest.mark.parametrize("value", ["a\rb", "a\r\n b", "a\n b"], ids=["cr", "folded", "folded_by_lf"])
async def test_no_line_break_in_a_header_arrives(rest: RestClient, echo: EchoService, value: str) -> None:
    request = f"GET {GET_RUN} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-API-Key: {value}\r\n\r\n"
    assert parsed(await rest.raw(request.encode())).status == 200
    assert not {"\r", "\n"} & set(str(echo.last.values("x-api-key")[0]))


async def test_a_16_kib_key_is_too_large(rest: RestClient, echo: EchoService) -> None:
    reply = await rest.ask("GET", GET_RUN, {"X-API-Key": "k" * 16 * 1024})
    assert reply.refusal == (431, 8, "REQUEST_TOO_LARGE")
    assert not echo.calls


@pytest.mark.parametrize("kib", [9, 16, 64])
async def test_headers_that_are_too_large_are_told_so_to_native_grpc(
    echo: EchoService, pipelines: Any, kib: int
) -> None:
    asked = pipelines_pb2.GetRunRequest(run_id=RUN_ID)
    refusal = await refusal_of(pipelines.GetRun(asked, metadata=(("x-api-key", "k" * kib * 1024),)))
    assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "REQUEST_TOO_LARGE")
    assert refusal.text == "The request's headers are larger than 8 KiB."
    assert not echo.calls


async def test_headers_that_are_too_large_are_told_so_over_http_2(edge: Edge, echo: EchoService) -> None:
    fields = [(":method", "GET"), (":scheme", "http"), (":path", GET_RUN), (":authority", "x")]
    async with connected(edge.listen) as connection:
        connection.send(headers(1, [*fields, ("x-api-key", "k" * 12_000)], end=True))
        head, body = await connection.end_of(1)
    assert b"431" in head.payload
    assert json.loads(body.payload)["details"][0]["reason"] == "REQUEST_TOO_LARGE"
    assert not echo.calls


async def test_many_small_headers_are_too_large_together(rest: RestClient, echo: EchoService) -> None:
    many = {f"X-Part-{number}": "k" * 200 for number in range(60)}
    assert (await rest.ask("GET", GET_RUN, many)).refusal == (431, 8, "REQUEST_TOO_LARGE")
    assert not echo.calls


async def test_metadata_up_to_the_limit_arrives(rest: RestClient, echo: EchoService) -> None:
    assert (await rest.ask("GET", GET_RUN, {"Idempotency-Key": "k" * 7 * 1024})).status == 200
    assert len(echo.last.values("idempotency-key")[0]) == 7 * 1024


async def test_an_underscore_in_a_header_name_is_refused(rest: RestClient, echo: EchoService) -> None:
    assert (await rest.ask("GET", GET_RUN, {"x_api_key": "k"})).refusal == (400, 3, "REQUEST_INVALID")
    assert not echo.calls


@pytest.mark.parametrize("name", ["x-trace-bin", "grpc-trace-bin", "grpc-status-details-bin"])
async def test_a_malformed_binary_header_is_taken_away_from_rest(
    rest: RestClient, echo: EchoService, name: str
) -> None:
    assert (await rest.ask("GET", GET_RUN, {name: "!!not base64!!"})).status == 200
    assert not echo.last.values(name)


@pytest.mark.parametrize("value", ["1n", "99999999H", "soon"])
async def test_rest_callers_do_not_set_grpc_deadlines(rest: RestClient, echo: EchoService, value: str) -> None:
    assert (await rest.ask("GET", GET_RUN, {"grpc-timeout": value, "grpc-encoding": "lzma"})).status == 200
    assert echo.calls


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


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET", id="length_and_chunked"),
        pytest.param("Content-Length: 2\r\nContent-Length: 20\r\n\r\n{}", id="two_lengths"),
        pytest.param("Content-Length: +2\r\n\r\n{}", id="signed_length"),
        pytest.param("Content-Length: -1\r\n\r\n{}", id="negative_length"),
        pytest.param("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", id="chunked_not_last"),
        pytest.param("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", id="unknown_encoding"),
        pytest.param("Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", id="space_before_colon"),
        pytest.param("Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", id="bad_chunk_size"),
    ],
)
async def test_smuggling_is_refused(rest: RestClient, echo: EchoService, lines: str) -> None:
    answer = await rest.raw(f"POST {RUN} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}".encode())
    assert parsed(answer).status in (400, 501)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert not echo.calls


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_a_body_is_json_whatever_it_calls_itself(rest: RestClient, echo: EchoService, content_type: str) -> None:
    await rest.ask("POST", RUN, {"Content-Type": content_type}, '{"date": "2026-11-01"}')
    assert echo.last.request["parameters"] == {"date": "2026-11-01"}
