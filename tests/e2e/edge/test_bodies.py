"""JSON bodies: any object arrives whole as parameters; anything else is refused before the service sees it."""

from __future__ import annotations

import json

import pytest

from tests.fakes.echo_service import EchoService
from tests.fakes.rest_client import GET_RUN, RUN, RUN_ID, RestClient, assert_outward

MIB = 1024 * 1024
REFUSED = (400, 3, "REQUEST_INVALID")


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


@pytest.mark.parametrize("body", ["[]", '{"a":', b'{"a": "\xff"}'], ids=["list", "cut_short", "no_utf_8"])
async def test_what_is_no_object_is_told_what_it_must_be(
    rest: RestClient, echo: EchoService, body: str | bytes
) -> None:
    reply = await rest.ask("POST", RUN, {"Content-Type": "application/json"}, body)
    assert reply.refusal == REFUSED
    assert reply.json["message"].startswith("The body must be a JSON object: ")
    assert_outward(reply)
    assert not echo.calls


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


async def test_three_mebibytes_arrive_whole(rest: RestClient, echo: EchoService) -> None:
    assert (await rest.ask("POST", RUN, body=json.dumps({"x": "a" * 3 * MIB}))).status == 200
    assert len(echo.last.request["parameters"]["x"]) == 3 * MIB


@pytest.mark.item("C44")
async def test_a_chunked_body_has_the_same_limit(rest: RestClient, echo: EchoService) -> None:
    chunk = b"100000\r\n" + b" " * MIB + b"\r\n"
    head = f"POST {RUN} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = await rest.raw(head.encode() + chunk * 5 + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert not echo.calls
