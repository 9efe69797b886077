"""Paths and queries: what reaches the service, and what never does."""

from __future__ import annotations

import pytest

from tests.fakes.echo_service import EchoService
from tests.fakes.rest_client import GET_RUN, RUN, RUN_ID, RestClient, assert_outward

NOTHING_HERE = (404, 5, "METHOD_NOT_FOUND")
MALFORMED = (400, 3, "REQUEST_INVALID")
ABOVE = "/api/v1/pipelines/run/acme"


@pytest.mark.parametrize("path", [RUN, f"{RUN}/", f"{RUN}//"])
async def test_a_trailing_slash_changes_nothing(rest: RestClient, echo: EchoService, path: str) -> None:
    assert (await rest.ask("POST", path)).status == 200
    named = {key: echo.last.request[key] for key in ("org", "provider", "domain", "pipeline")}
    assert named == {"org": "acme", "provider": "openai", "domain": "cost", "pipeline": "usage_cost"}


async def test_an_empty_domain_is_an_empty_domain(rest: RestClient, echo: EchoService) -> None:
    assert (await rest.ask("POST", f"{ABOVE}/anthropic//usage_cost")).status == 200
    assert echo.last.request == {
        "org": "acme",
        "provider": "anthropic",
        "pipeline": "usage_cost",
        "parameters": {},
    }


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(f"{ABOVE}/openai/usage_cost", id="no_domain"),
        pytest.param(f"{ABOVE}/openai/cost/", id="no_pipeline"),
        pytest.param(f"{ABOVE}/anthropic//", id="neither"),
        pytest.param(f"{ABOVE}/../openai/cost/usage_cost", id="dot_dot"),
        pytest.param(f"{ABOVE}/%2e%2e/cost/usage_cost", id="escaped_dot_dot"),
        pytest.param(f"{ABOVE}/openai/../usage_cost", id="dot_dot_further_on"),
        pytest.param(f"{RUN}:cancel", id="verb"),
        pytest.param(f"{RUN};version=2", id="matrix_parameter"),
        pytest.param(f"{ABOVE}/.git/cost/usage_cost", id="dot_file"),
        pytest.param(f"{ABOVE}/openai/cost/.usage_cost", id="dot_file_at_the_end"),
        pytest.param("/", id="root"),
        pytest.param("/healthz", id="no_such_health"),
        pytest.param("/admin", id="admin"),
        pytest.param("/datapipeline.v1.PipelineService/RunPipeline", id="grpc_path_without_grpc"),
    ],
)
async def test_a_path_that_does_not_exist_is_not_found(rest: RestClient, echo: EchoService, path: str) -> None:
    assert (await rest.ask("POST", path)).refusal == NOTHING_HERE
    assert not echo.calls


@pytest.mark.parametrize(
    "segment", ["%2e%2e%2f", "a%2Fb", "a%2fb", "a%5Cb", "a%00b", "..%2f..%2fetc%2fpasswd"], ids=repr
)
@pytest.mark.parametrize("position", range(4))
async def test_an_escaped_slash_or_nul_is_malformed(
    rest: RestClient, echo: EchoService, segment: str, position: int
) -> None:
    segments = ["acme", "openai", "cost", "usage_cost"]
    segments[position] = segment
    reply = await rest.ask("POST", f"/api/v1/pipelines/run/{'/'.join(segments)}")
    assert reply.refusal == MALFORMED
    assert not echo.calls


@pytest.mark.parametrize(
    ("segment", "arrives"),
    [("a" * 300, "a" * 300), ("ACME", "ACME"), ("%D0%B0cme", "\N{CYRILLIC SMALL LETTER A}cme"), ("a%20b", "a b")],
    ids=["long", "upper_case", "look_alike", "space"],
)
async def test_a_bad_name_reaches_the_service_as_it_is(
    rest: RestClient, echo: EchoService, segment: str, arrives: str
) -> None:
    await rest.ask("POST", f"/api/v1/pipelines/run/{segment}/openai/cost/usage_cost")
    assert echo.last.request["org"] == arrives


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", RUN),
        ("PUT", RUN),
        ("PATCH", RUN),
        ("TRACE", RUN),
        ("TRACE", GET_RUN),
        ("POST", GET_RUN),
        ("HEAD", GET_RUN),
    ],
)
async def test_a_wrong_method_is_not_found(rest: RestClient, echo: EchoService, method: str, path: str) -> None:
    assert (await rest.ask(method, path)).status == 404
    assert not echo.calls


@pytest.mark.parametrize("name", ["org", "provider", "domain", "pipeline"])
async def test_a_query_never_overrides_the_path(rest: RestClient, echo: EchoService, name: str) -> None:
    await rest.ask("POST", f"{RUN}?{name}=evil")
    assert "evil" not in echo.last.request.values()


async def test_a_query_never_overrides_the_run(rest: RestClient, echo: EchoService) -> None:
    await rest.ask("GET", f"{GET_RUN}?run_id=evil")
    assert echo.last.request == {"run_id": RUN_ID}


async def test_the_last_of_repeated_query_parameters_wins(rest: RestClient, echo: EchoService) -> None:
    await rest.ask("GET", "/api/v1/pipelines/runs?page_size=1&status=FAILED&page_size=2")
    assert echo.last.request == {"page_size": 2, "status": "FAILED"}


@pytest.mark.parametrize("query", ["bogus=1", "parameters.x=1", "page.size=1", "page_size.x=1", "status[]=1"])
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


async def test_a_query_cannot_reach_into_the_body(rest: RestClient, echo: EchoService) -> None:
    reply = await rest.ask("POST", f"{RUN}?parameters.fields.x=1", body="{}")
    assert reply.refusal == MALFORMED
    assert not echo.calls


async def test_a_very_long_url_is_too_large(rest: RestClient, echo: EchoService) -> None:
    assert (await rest.ask("GET", f"{GET_RUN}?x={'a' * 20_000}")).refusal == (431, 8, "REQUEST_TOO_LARGE")
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
