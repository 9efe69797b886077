"""The command line against a gRPC server: what it sends, what it prints, and the exit status it ends with."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import grpc
import pytest
from click.testing import CliRunner, Result
from datapipeline.v1 import pipelines_pb2, run_pb2
from rich.console import Console

from server.cli import main
from tests.fakes.echo_service import Drop, EchoService, Hold, Refusal

RUN_ID = "3f2b8f8e-6f0e-4f5e-9a86-0c7b9d2b6a11"
PATH = "openai/cost/usage_cost"
RECEIPT = pipelines_pb2.RunPipelineResponse(run_id=RUN_ID, pipeline_id="acme-openai-cost-usage_cost", status="PENDING")
Cli = Callable[..., Coroutine[Any, Any, Result]]


def event(sequence: int, kind: str, **fields: Any) -> run_pb2.RunEvent:
    return run_pb2.RunEvent(sequence=sequence, type=kind, **fields)


def terminal(sequence: int, status: str = "COMPLETED", **fields: Any) -> run_pb2.RunEvent:
    return event(sequence, "TERMINAL", status=status, **fields)


STORY = [
    event(1, "QUEUED", status="PENDING"),
    event(2, "STARTED", status="RUNNING"),
    event(3, "STEP_STARTED", step_id="extract", status="RUNNING"),
    event(4, "PROGRESS", step_id="extract", progress=run_pb2.Progress(rows=1200, pages=3)),
    event(5, "LOG", step_id="extract", message="asked for 3 days"),
    event(6, "STEP_FINISHED", step_id="extract", status="COMPLETED", progress=run_pb2.Progress(rows=2400, pages=6)),
    terminal(7),
]


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def cli(echo: EchoService, pauses: list[float]) -> Cli:
    """Run the command line in a thread: the server lives on this loop."""

    async def run(*words: str, **changes: Any) -> Result:
        env = {"PIPELINES_ENDPOINT": echo.target, "PIPELINES_API_KEY": "acme_key", "PIPELINES_ORG": "acme"}
        env |= changes.pop("env", {})
        session = {"pause": pauses.append} | changes
        runner = CliRunner(env=env)
        async with asyncio.timeout(20):
            return await asyncio.to_thread(runner.invoke, main, list(words), obj=session)

    return run


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


async def test_run_sends_what_was_typed(cli: Cli, echo: EchoService) -> None:
    echo.answers["RunPipeline"] = RECEIPT
    words = ["-p", "start_date=2026-11-01", "-p", "force_refresh:=true", "-p", "n:=3", "-p", "code=007"]
    result = await cli("run", PATH, *words, "--idempotency-key", "order-1")
    assert result.exit_code == 0
    assert echo.last.request == {
        "org": "acme",
        "provider": "openai",
        "domain": "cost",
        "pipeline": "usage_cost",
        "parameters": {"start_date": "2026-11-01", "force_refresh": True, "n": 3.0, "code": "007"},
    }
    assert echo.last.values("idempotency-key") == ["order-1"]
    assert echo.last.values("x-api-key") == ["acme_key"]


async def test_run_prints_the_receipt(cli: Cli, echo: EchoService) -> None:
    echo.answers["RunPipeline"] = RECEIPT
    assert (await cli("run", PATH)).stdout == f"{RUN_ID}  acme-openai-cost-usage_cost  PENDING\n"


async def test_run_says_when_it_started_nothing_new(cli: Cli, echo: EchoService) -> None:
    echo.answers["RunPipeline"] = pipelines_pb2.RunPipelineResponse(run_id=RUN_ID, status="RUNNING", existing=True)
    assert "an earlier run" in (await cli("run", PATH)).stdout


@pytest.mark.parametrize(
    ("status", "exit_code"),
    [("COMPLETED", 0), ("FAILED", 1), ("TIMEOUT", 1), ("QUARANTINED", 1), ("CANCELLED", 3)],
)
@pytest.mark.parametrize("words", [("run", PATH, "--follow"), ("watch", RUN_ID), ("retry", RUN_ID, "--follow")])
async def test_the_outcome_is_the_exit_status(
    cli: Cli, echo: EchoService, words: tuple[str, ...], status: str, exit_code: int
) -> None:
    echo.answers |= {"RunPipeline": RECEIPT, "WatchRun": [terminal(1, status)]}
    result = await cli(*words)
    assert result.exit_code == exit_code
    assert status in result.stdout


async def test_a_pipe_gets_a_line_an_event(cli: Cli, echo: EchoService) -> None:
    echo.answers["WatchRun"] = STORY
    printed = (await cli("watch", RUN_ID)).stdout.splitlines()
    assert [line.split()[0] for line in printed] == [*(item.type for item in STORY), "COMPLETED"]
    assert "1,200 rows, 3 pages" in printed[3]
    assert "asked for 3 days" in printed[4]


async def test_a_terminal_gets_a_bar_a_step(cli: Cli, echo: EchoService) -> None:
    echo.answers["WatchRun"] = STORY
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120, legacy_windows=False)
    result = await cli("watch", RUN_ID, console=console)
    assert result.exit_code == 0
    assert "extract COMPLETED" in screen.getvalue()
    assert "2,400 rows, 6 pages" in screen.getvalue()
    assert "asked for 3 days" in screen.getvalue()
    assert "━" in screen.getvalue()


async def test_why_a_run_failed_is_told(cli: Cli, echo: EchoService) -> None:
    error = run_pb2.RunError(code="UNAUTHENTICATED", reason="PROVIDER_AUTH", message="401 from the provider", step="x")
    echo.answers["WatchRun"] = [terminal(1, "FAILED", error=error)]
    result = await cli("watch", RUN_ID)
    assert result.stdout.splitlines()[-1] == "FAILED PROVIDER_AUTH: 401 from the provider (x)"


async def test_a_lost_connection_is_resumed_where_it_broke(cli: Cli, echo: EchoService, pauses: list[float]) -> None:
    echo.answers["WatchRun"] = [*STORY[:2], Drop(), *STORY[2:4], Drop(quietly=True), *STORY[4:]]
    result = await cli("watch", RUN_ID, "--json")
    assert [line["sequence"] for line in lines(result)] == [1, 2, 3, 4, 5, 6, 7]
    assert [call.request.get("after", 0) for call in echo.calls] == [0, 2, 4]
    assert pauses == [0.5, 0.5]
    assert result.exit_code == 0


async def test_a_server_that_restarts_is_found_again(cli: Cli, echo: EchoService) -> None:
    echo.answers["WatchRun"] = [*STORY[:3], Hold()]
    restarted = threading.Event()
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(cli("watch", RUN_ID, "--json", pause=lambda _: restarted.wait(10)))
        await echo.waiting.wait()
        await echo.stop()
        echo.answers["WatchRun"] = STORY
        await echo.start()
        restarted.set()
    assert [line["sequence"] for line in lines(watching.result())] == [1, 2, 3, 4, 5, 6, 7]
    assert watching.result().exit_code == 0


async def test_events_that_come_twice_are_shown_once(cli: Cli, echo: EchoService) -> None:
    echo.answers["WatchRun"] = [STORY[0], event(1, "HEARTBEAT"), STORY[0], STORY[1], event(2, "HEARTBEAT"), terminal(3)]
    assert [line["sequence"] for line in lines(await cli("watch", RUN_ID, "--json"))] == [1, 2, 3]


async def test_a_connection_that_stays_lost_is_given_up(cli: Cli, echo: EchoService, pauses: list[float]) -> None:
    echo.answers["WatchRun"] = [STORY[0], Refusal(grpc.StatusCode.UNAVAILABLE, "SERVICE_UNAVAILABLE")]
    result = await cli("watch", RUN_ID)
    assert result.exit_code == 4
    assert f"`pipelines watch {RUN_ID} --after 1` follows it again" in result.stderr
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0]


async def test_watching_a_foreign_run_is_refused_at_once(cli: Cli, echo: EchoService, pauses: list[float]) -> None:
    echo.answers["WatchRun"] = [Refusal(grpc.StatusCode.NOT_FOUND, "RUN_NOT_FOUND", "there is no such run")]
    result = await cli("watch", RUN_ID)
    assert (result.exit_code, pauses) == (2, [])
    assert "RUN_NOT_FOUND: there is no such run — `pipelines runs`" in result.stderr


async def test_a_refusal_is_one_line_with_reason_and_remedy(cli: Cli, echo: EchoService) -> None:
    echo.answers["RunPipeline"] = Refusal(grpc.StatusCode.PERMISSION_DENIED, "ORG_MISMATCH", "The key is another's.")
    result = await cli("run", PATH)
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: ORG_MISMATCH: The key is another's — name the organisation of your key with --org\n"
    )
    assert result.stdout == ""


async def test_every_violation_is_named(cli: Cli, echo: EchoService) -> None:
    wrong = {"start_date": "is no date", "n": "is not an int"}
    echo.answers["RunPipeline"] = Refusal(grpc.StatusCode.INVALID_ARGUMENT, "PARAMETERS_INVALID", fields=wrong)
    result = await cli("run", PATH, "--json")
    assert "start_date: is no date; n: is not an int" in result.stderr
    assert lines(result)[0]["error"]["violations"] == wrong


async def test_an_endpoint_that_does_not_answer_is_unreachable(cli: Cli) -> None:
    result = await cli("pipelines", env={"PIPELINES_ENDPOINT": "http://127.0.0.1:1"})
    assert result.exit_code == 4
    assert result.stderr == (
        "Error: UNREACHABLE: http://127.0.0.1:1 does not answer — start the service, or set PIPELINES_ENDPOINT\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ("run", PATH, "-p", "x"),
        ("run", PATH, "-p", "x:=maybe"),
        ("run", PATH, "-p", "a=1", "-p", "a=2"),
        ("run", "usage_cost"),
        ("run", PATH, "--idempotency-key", "schlüssel"),
        ("run", "globex/openai/cost/usage_cost"),
        ("runs", "--status", "SLEEPING"),
        ("runs", "--limit", "0"),
        ("watch", RUN_ID, "--after", "-1"),
        ("show", "\udcff"),
        ("--endpoint", "ftp://x:1", "pipelines"),
        ("--endpoint", "nowhere", "pipelines"),
        ("fly",),
    ],
    ids=" ".join,
)
async def test_bad_usage_calls_nothing(cli: Cli, echo: EchoService, words: tuple[str, ...]) -> None:
    result = await cli(*words)
    assert result.exit_code == 2
    assert result.stderr.count("Error: ") == 1
    assert not echo.calls


async def test_no_organisation_is_a_usage_error(cli: Cli) -> None:
    result = await cli("run", PATH, env={"PIPELINES_ORG": None})
    assert "give --org or set PIPELINES_ORG" in result.stderr


async def test_a_key_that_cannot_be_one_is_not_printed(cli: Cli, echo: EchoService) -> None:
    result = await cli("pipelines", env={"PIPELINES_API_KEY": "geheim\n"})
    assert result.exit_code == 2
    assert "geheim" not in result.output
    assert not echo.calls


async def test_runs_are_listed_over_pages(cli: Cli, echo: EchoService) -> None:
    pages = [
        pipelines_pb2.ListRunsResponse(runs=[run_pb2.Run(run_id=f"run-{i}") for i in range(100)], next_page_token="t"),
        pipelines_pb2.ListRunsResponse(runs=[run_pb2.Run(run_id="run-100", status="FAILED")], next_page_token="u"),
    ]
    echo.answers["ListRuns"] = pages
    result = await cli("runs", "--limit", "101", "--status", "failed", "--json")
    assert [line["run_id"] for line in lines(result)] == [f"run-{i}" for i in range(101)]
    assert [call.request.get("page_token", "") for call in echo.calls] == ["", "t"]
    assert [call.request["page_size"] for call in echo.calls] == [100, 1]
    assert echo.last.request["status"] == "FAILED"


async def test_show_tells_the_run_and_its_steps(cli: Cli, echo: EchoService) -> None:
    error = run_pb2.RunError(reason="WAREHOUSE_QUOTA", message="too many loads")
    step = run_pb2.Step(step_id="load", ps_type="openai.usage", status="FAILED", rows=12000, attempt=3, error=error)
    echo.answers["GetRun"] = run_pb2.Run(run_id=RUN_ID, status="FAILED", steps=[step], error=error, trigger_type="api")
    result = await cli("show", RUN_ID)
    assert result.exit_code == 0
    for told in (RUN_ID, "FAILED", "load", "openai.usage", "12,000", "WAREHOUSE_QUOTA: too many loads"):
        assert told in result.stdout


async def test_pipelines_are_listed_with_what_they_take(cli: Cli, echo: EchoService) -> None:
    day = pipelines_pb2.PipelineParameter(name="start_date", type="date", required=True)
    known = pipelines_pb2.Pipeline(provider="openai", domain="cost", pipeline="usage_cost", parameters=[day])
    bare = pipelines_pb2.Pipeline(provider="anthropic", pipeline="usage_cost")
    echo.answers["ListPipelines"] = pipelines_pb2.ListPipelinesResponse(pipelines=[known, bare])
    printed = (await cli("pipelines")).stdout
    assert "openai/cost/usage_cost" in printed
    assert "start_date:date*" in printed
    assert "anthropic/usage_cost" in printed


@pytest.mark.parametrize(("command", "method"), [("cancel", "CancelRun"), ("retry", "RetryRun"), ("show", "GetRun")])
async def test_json_is_one_object_a_line_with_the_contracts_names(
    cli: Cli, echo: EchoService, command: str, method: str
) -> None:
    echo.answers[method] = run_pb2.Run(run_id=RUN_ID, status="CANCELLING", org_slug="acme")
    answer = lines(await cli(command, RUN_ID, "--json"))
    assert [(item["run_id"], item["org_slug"], item["duration_ms"]) for item in answer] == [(RUN_ID, "acme", 0)]
    assert echo.last.method == method


async def test_text_from_elsewhere_cannot_move_the_cursor(cli: Cli, echo: EchoService) -> None:
    evil = "\x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}[bold]x[/bold]"
    echo.answers["WatchRun"] = [event(1, "LOG", message=evil), terminal(2)]
    printed = (await cli("watch", RUN_ID)).stdout
    assert "\x1b" not in printed
    assert "\\x1b[2J\\u202e[bold]x[/bold]" in printed
