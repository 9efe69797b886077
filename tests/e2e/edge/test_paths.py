"""Paths and queries: what reaches the service, and what never does."""

from __future__ import annotations

import pytest

from tests.fakes.echo_service import EchoService
from tests.fakes.rest_client import GET_RUN, RestClient, assert_outward

NOTHING_HERE = (404, 5, "METHOD_NOT_FOUND")
MALFORMED = (400, 3, "REQUEST_INVALID")
ABOVE = "/api/v1/pipelines/run/acme"


@pytest.mark.parametrize("query", ["bogus=1", "parameters.x=1"])
async def test_a_query_the_method_does_not_take_is_refused(rest: RestClient, echo: EchoService, query: str) -> None:
    reply = await rest.ask("GET", f"/api/v1/pipelines/runs?{query}")
    assert reply.refusal == MALFORMED
    assert reply.json["message"].startswith("The query names a parameter that this method does not take")
    assert_outward(reply)
    assert not echo.calls


@pytest.mark.parametrize(
    ("call", "field"),
    [
        ("/api/v1/pipelines/runs?page_size=abc", "page_size"),
        ("/api/v1/pipelines/runs?status=FAILED&page_size=1.5", "page_size"),
        ("/api/v1/pipelines/runs?page_size=", "page_size"),
        ("/api/v1/pipelines/runs?page_size=1&limit=99999999999", "limit"),
        ("/api/v1/pipelines/runs?limit=2147483648&page_size=1", "limit"),
        ("/api/v1/pipelines/runs?page_size=1&page_size=-", "page_size"),
        (f"{GET_RUN}/events?after=first", "after"),
    ],
)
async def test_a_number_of_the_query_that_is_none_is_named(
    rest: RestClient, echo: EchoService, call: str, field: str
) -> None:
    reply = await rest.ask("GET", call)
    assert reply.refusal == MALFORMED
    assert reply.json["message"] == f"{field} must be a whole number."
    assert reply.json["details"][1]["field_violations"] == [{"field": field, "description": "must be a whole number"}]
    assert_outward(reply)
    assert not echo.calls


@pytest.mark.parametrize(
    ("method", "path", "rpc"),
    [
        ("GET", "/api/v1/procedures/files", "ListProcedureFiles"),
        ("POST", "/api/v1/procedures/sync", "SyncProcedures"),
        ("GET", "/api/v1/procedures/filed", "GetProcedure"),
        ("GET", "/api/v1/pipelines/runs", "ListRuns"),
        ("DELETE", GET_RUN, "CancelRun"),
        ("POST", f"{GET_RUN}/cancel", "CancelRun"),
        ("POST", "/api/v1/scheduler/queue/process", "ProcessQueue"),
        ("POST", "/api/v1/scheduler/process-queue", "ProcessQueue"),
    ],
)
async def test_each_path_has_its_own_method(
    rest: RestClient, echo: EchoService, method: str, path: str, rpc: str
) -> None:
    assert (await rest.ask(method, path)).status == 200
    assert echo.last.method == rpc
