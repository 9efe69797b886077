"""Errors: one shape whoever says no, in JSON and in gRPC, and never more than the caller should know."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import grpc.aio
import pytest
from datapipeline.v1 import pipelines_pb2
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests.fakes.echo_service import EchoService, Refusal
from tests.fakes.rest_client import GET_RUN, RUN, RUN_ID, Reply, RestClient, parsed


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("INVALID_ARGUMENT", 400),
        ("FAILED_PRECONDITION", 400),
        ("UNAUTHENTICATED", 401),
        ("PERMISSION_DENIED", 403),
        ("NOT_FOUND", 404),
        ("ALREADY_EXISTS", 409),
        ("ABORTED", 409),
        ("RESOURCE_EXHAUSTED", 429),
        ("CANCELLED", 499),
        ("INTERNAL", 500),
        ("UNIMPLEMENTED", 501),
        ("UNAVAILABLE", 503),
        ("DEADLINE_EXCEEDED", 504),
    ],
)
async def test_the_services_error_keeps_its_code_and_reason(
    rest: RestClient, echo: EchoService, code: str, status: int
) -> None:
    reply = await rest.ask("POST", RUN, {"x-echo-code": code})
    assert reply.refusal == (status, grpc.StatusCode[code].value[0], "ECHOED")
    assert echo.last.method == "RunPipeline"


async def test_every_violation_is_told(rest: RestClient, echo: EchoService) -> None:
    wrong = {"end_date": "is before start_date", "n": "is not an int"}
    echo.answers["RunPipeline"] = Refusal(grpc.StatusCode.INVALID_ARGUMENT, "PARAMETERS_INVALID", fields=wrong)
    told = (await rest.ask("POST", RUN)).json["details"][1]
    assert told["@type"].endswith("google.rpc.BadRequest")
    assert {field["field"]: field["description"] for field in told["field_violations"]} == wrong


async def test_retry_after_is_a_header(rest: RestClient, echo: EchoService) -> None:
    reply = await rest.ask("POST", RUN, {"x-echo-code": "RESOURCE_EXHAUSTED"})
    assert reply.headers["Retry-After"] == "7"
    assert echo.calls


@pytest.mark.parametrize("path", [GET_RUN, "/api/v1/pipelines", "/nowhere", "/health"])
async def test_every_answer_names_its_request(rest: RestClient, echo: EchoService, path: str) -> None:
    first, second = await rest.ask("GET", path), await rest.ask("GET", path)
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]
    assert all(call.values("x-request-id") for call in echo.calls)


@pytest.mark.parametrize("path", [GET_RUN, "/nowhere"])
@pytest.mark.parametrize("own", ["mine-7", "Mine_7.x", "x" * 64])
async def test_a_callers_own_request_id_comes_back(rest: RestClient, path: str, own: str) -> None:
    assert (await rest.ask("GET", path, {"X-Request-Id": own})).headers["X-Request-Id"] == own


@pytest.mark.parametrize("given", ["a b", "\N{RIGHT-TO-LEFT OVERRIDE}x", "a\tb", "x" * 65, "<script>", ""])
async def test_a_request_id_that_is_none_gives_way_to_one_of_the_edges_own(
    rest: RestClient, echo: EchoService, given: str
) -> None:
    request = f"GET {GET_RUN} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-Id: {given}\r\n\r\n"
    made = parsed(await rest.raw(request.encode())).headers["X-Request-Id"]
    assert UUID(made)
    assert echo.last.values("x-request-id") == [made]


async def test_answers_do_not_name_the_software(rest: RestClient) -> None:
    for reply in (await rest.ask("GET", GET_RUN), await rest.ask("GET", "/nowhere")):
        assert not {"server", "x-envoy-upstream-service-time", "grpc-status", "grpc-message"} & {
            name.lower() for name in reply.headers
        }


async def test_http_1_0_gets_the_one_shape(rest: RestClient) -> None:
    reply = parsed(await rest.raw(f"GET {GET_RUN} HTTP/1.0\r\n\r\n".encode()))
    assert reply.refusal == (426, 9, "REQUEST_INVALID")


async def test_a_call_that_takes_too_long_is_ended(rest: RestClient, echo: EchoService) -> None:
    reply = await rest.ask("POST", RUN, {"x-echo-hang": "1"})
    assert reply.refusal == (504, 4, "DEADLINE_EXCEEDED")
    async with asyncio.timeout(1):
        await echo.cancelled.wait()


async def test_a_typed_error_passes_to_native_grpc_untouched(echo: EchoService, pipelines: Any) -> None:
    echo.answers["GetRun"] = Refusal(grpc.StatusCode.NOT_FOUND, "RUN_NOT_FOUND", metadata={"run_id": RUN_ID})
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await pipelines.GetRun(pipelines_pb2.GetRunRequest(run_id=RUN_ID))
    assert refused.value.code() == grpc.StatusCode.NOT_FOUND
    assert _info(refused.value).metadata == {"run_id": RUN_ID}


async def test_initial_metadata_becomes_headers(rest: RestClient, echo: EchoService) -> None:
    reply: Reply = await rest.ask("GET", GET_RUN, {"x-echo-initial": "seen"})
    assert reply.headers["x-echoed"] == "seen"
    assert echo.calls


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", RUN), ("POST", f"{GET_RUN}/retry"), ("POST", f"{GET_RUN}/cancel"), ("DELETE", GET_RUN)],
)
async def test_success_is_200_whatever_was_begun_or_ended(
    rest: RestClient, echo: EchoService, method: str, path: str
) -> None:
    reply = await rest.ask(method, path)
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json")
    assert echo.calls


async def test_json_prints_zeros_and_proto_names_and_leaves_unset_messages_out(
    rest: RestClient, echo: EchoService
) -> None:
    run = (await rest.ask("GET", GET_RUN)).json
    assert run["duration_ms"] == 0
    assert run["steps"] == []
    assert "error" not in run
    assert echo.calls


async def test_a_large_answer_arrives_whole(rest: RestClient, echo: EchoService) -> None:
    runs = [{"run_id": RUN_ID, "trigger_by": "x" * 20_000} for _ in range(100)]
    echo.answers["ListRuns"] = pipelines_pb2.ListRunsResponse(runs=runs)
    assert len((await rest.ask("GET", "/api/v1/pipelines/runs")).json["runs"]) == 100


def _info(error: Any) -> error_details_pb2.ErrorInfo:
    status = rpc_status.from_call(error)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return info
