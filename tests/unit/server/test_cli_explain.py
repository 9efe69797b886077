"""`pipelines explain` against a gRPC server: what it prints for people and for programs."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import grpc
from click.testing import CliRunner, Result
from datapipeline.v1 import pipelines_pb2

from server.cli import main
from tests.fakes.echo_service import EchoService, Refusal

RUN_ID = "3f2b8f8e-6f0e-4f5e-9a86-0c7b9d2b6a11"


def told() -> pipelines_pb2.ExplainRunResponse:
    capped = pipelines_pb2.Explanation(reason="CAP_REACHED", message="1 run runs", run_ids=["r-1"], remedy="wait")
    capped.forecast.FromDatetime(datetime(2026, 7, 1, 12, tzinfo=UTC))
    refused = pipelines_pb2.Explanation(
        reason="PROVIDER_AUTH", message="401", owner="organisation", retry="AFTER_FIX", link="http://mend", step="a"
    )
    lane = pipelines_pb2.LaneStanding(ahead=3, running=1, cap=1, weight=2, share=0.25, lanes_ahead=4)
    return pipelines_pb2.ExplainRunResponse(run_id=RUN_ID, status="PENDING", reasons=[capped, refused], lane=lane)


async def ask(echo: EchoService, *words: str) -> Result:
    runner = CliRunner(env={"PIPELINES_ENDPOINT": echo.target, "PIPELINES_API_KEY": "acme_key"})
    async with asyncio.timeout(20):
        return await asyncio.to_thread(runner.invoke, main, ["explain", RUN_ID, *words])


async def test_people_read_a_reason_and_what_to_do_line_by_line(echo: EchoService) -> None:
    echo.answers["ExplainRun"] = told()
    result = await ask(echo)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        f"{RUN_ID}  PENDING",
        "CAP_REACHED: 1 run runs",
        "  probably starts: 2026-07-01 12:00:00Z",
        "  runs: r-1",
        "  do: wait",
        "PROVIDER_AUTH in a (organisation): 401",
        "  at: http://mend",
        "  retry: a retry helps once that is mended",
        "lane: 3 before it, 1 of at most 1 at work, weight 2, 25% of all slots in use, 4 organisations before it",
    ]
    assert echo.last.request == {"run_id": RUN_ID}


async def test_programs_read_one_object(echo: EchoService) -> None:
    echo.answers["ExplainRun"] = told()
    found = json.loads((await ask(echo, "--json")).stdout)
    assert [why["reason"] for why in found["reasons"]] == ["CAP_REACHED", "PROVIDER_AUTH"]
    assert (found["lane"]["share"], found["reasons"][1]["retry"]) == (0.25, "AFTER_FIX")


async def test_a_run_that_is_not_there_is_status_two(echo: EchoService) -> None:
    echo.answers["ExplainRun"] = Refusal(grpc.StatusCode.NOT_FOUND, "RUN_NOT_FOUND", "there is no such run")
    result = await ask(echo)
    assert (result.exit_code, "RUN_NOT_FOUND" in result.stderr) == (2, True)
