"""JSON bodies: any object arrives whole as parameters; anything else is refused before the service sees it."""

from __future__ import annotations

import gzip
import json

import pytest

from tests.fakes.echo_service import EchoService
from tests.fakes.rest_client import GET_RUN, RUN, RUN_ID, RestClient, assert_outward

MIB = 1024 * 1024
REFUSED = (400, 3, "REQUEST_INVALID")


@pytest.mark.parametrize("body", [None, "", "{}"])
async def test_an_empty_body_is_no_parameters(rest: RestClient, echo: EchoService, body: str | None) -> None:
    assert (await rest.ask("POST", RUN, body=body)).status == 200
    assert echo.last.request["parameters"] == {}


async def test_null_is_unset(rest: RestClient, echo: EchoService) -> None:
    assert (await rest.ask("POST", RUN, body="null")).status == 200
    assert "parameters" not in echo.last.request


@pytest.mark.parametrize(
    "parameters",
    [
        {"date": "2026-11-01", "force_refresh": True, "nested": {"list": [1.5, None, "x", {"y": []}]}},
        {"": "empty key", "__proto__": {"a": 1.0}, "constructor": "data"},
        {"text": "\N{ROCKET}\N{RIGHT-TO-LEFT OVERRIDE}\u0000 ${secret} {{7*7}} '; DROP"},
        {"date": "${run_id}", "None": "null"},
    ],
    ids=["typed", "odd_keys", "odd_text", "templates"],
)
async def test_any_object_arrives_whole(rest: RestClient, echo: EchoService, parameters: dict[str, object]) -> None:
    assert (await rest.ask("POST", RUN, body=json.dumps(parameters))).status == 200
    assert echo.last.request["parameters"] == parameters


async def test_numbers_arrive_as_doubles(rest: RestClient, echo: EchoService) -> None:
    await rest.ask("POST", RUN, body='{"small": 3, "large": 9007199254740993}')
    assert echo.last.request["parameters"] == {"small": 3.0, "large": 9007199254740992.0}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("[]", id="array"),
        pytest.param('"x"', id="string"),
        pytest.param("1", id="number"),
        pytest.param("true", id="bool"),
        pytest.param('{"a":', id="truncated"),
        pytest.param('{"a": 1', id="unclosed"),
        pytest.param('\ufeff{"a": 1}', id="byte_order_mark"),
        pytest.param(b'{"a": "\xff"}', id="invalid_utf8"),
        pytest.param('{"a": "\\ud800"}', id="lone_surrogate"),
        pytest.param('{"a": 1, "a": 2}', id="duplicate_key"),
        pytest.param('{"a": {"b": 1, "b": 1}}', id="nested_duplicate_key"),
        pytest.param('{"a": NaN}', id="nan"),
        pytest.param('{"a": Infinity}', id="infinity"),
        pytest.param('{"a": 1e999}', id="too_large_for_a_double"),
        pytest.param('{"a": ' + "9" * 5000 + "}", id="five_thousand_digits"),
        pytest.param('{"a": 1} x', id="trailing_garbage"),
        pytest.param('{"a": 1}{"b": 2}', id="two_documents"),
        pytest.param('{"a": 1} // why', id="comment"),
        pytest.param('{/* why */"a": 1}', id="block_comment"),
        pytest.param('{"a":' * 100_000 + "1" + "}" * 100_000, id="very_deep"),
        pytest.param("[" * 100_000, id="very_deep_array"),
        pytest.param('{"a": 1}'.encode("utf-16"), id="utf16"),
        pytest.param(gzip.compress(b'{"a": "' + b" " * MIB + b'"}'), id="gzip"),
    ],
)
async def test_what_is_no_object_is_refused(rest: RestClient, echo: EchoService, body: str | bytes) -> None:
    reply = await rest.ask("POST", RUN, {"Content-Type": "application/json"}, body)
    assert reply.refusal == REFUSED
    assert reply.json["message"].startswith("The body must be a JSON object: ")
    assert_outward(reply)
    assert not echo.calls


async def test_a_compressed_body_is_refused_unopened(rest: RestClient, echo: EchoService) -> None:
    bomb = gzip.compress(b"{" + b" " * 64 * MIB + b"}")
    assert (await rest.ask("POST", RUN, {"Content-Encoding": "gzip"}, bomb)).refusal == REFUSED
    assert not echo.calls


async def test_single_quotes_are_accepted_as_the_parser_does(rest: RestClient, echo: EchoService) -> None:
    await rest.ask("POST", RUN, body="{'a': 'b'}")
    assert echo.last.request["parameters"] == {"a": "b"}


@pytest.mark.parametrize(
    ("path", "rest_of_request"),
    [
        (f"{GET_RUN}/cancel", {"run_id": RUN_ID}),
        ("/api/v1/scheduler/trigger", {}),
        ("/api/v1/scheduler/process-queue", {}),
        ("/api/v1/scheduler/org/acme/pipelines", {"org": "acme"}),
        ("/api/v1/scheduler/org/acme/pipelines/c1/pause", {"org": "acme", "config_id": "c1"}),
        ("/api/v1/procedures/sync", {}),
        ("/api/v1/procedures/p1", {"name": "p1"}),
    ],
)
async def test_a_typed_body_reaches_the_service_whole_and_beside_what_the_path_names(
    rest: RestClient, echo: EchoService, path: str, rest_of_request: dict[str, str]
) -> None:
    body = {"run_id": "other", "org": "other", "name": "other", "why": [{"x": None}]}
    assert (await rest.ask("POST", path, body=json.dumps(body))).status == 200
    assert echo.last.request == rest_of_request | {"body": body}


@pytest.mark.parametrize("body", ["[]", '"x"', '{"note": "a", "note": "b"}', '{"note":'])
async def test_a_typed_body_must_be_an_object_too(rest: RestClient, echo: EchoService, body: str) -> None:
    assert (await rest.ask("POST", f"{GET_RUN}/cancel", body=body)).refusal == REFUSED
    assert not echo.calls


async def test_three_mebibytes_arrive_whole(rest: RestClient, echo: EchoService) -> None:
    assert (await rest.ask("POST", RUN, body=json.dumps({"x": "a" * 3 * MIB}))).status == 200
    assert len(echo.last.request["parameters"]["x"]) == 3 * MIB


async def test_five_mebibytes_are_too_large(rest: RestClient, echo: EchoService) -> None:
    reply = await rest.ask("POST", RUN, body=json.dumps({"x": "a" * 5 * MIB}))
    assert reply.refusal == (413, 8, "REQUEST_TOO_LARGE")
    assert not echo.calls


async def test_a_chunked_body_has_the_same_limit(rest: RestClient, echo: EchoService) -> None:
    chunk = b"100000\r\n" + b" " * MIB + b"\r\n"
    head = f"POST {RUN} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = await rest.raw(head.encode() + chunk * 5 + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert not echo.calls
