"""The command line `pipelines`: given words and the environment's endpoint and key, hands on an exit status."""

from __future__ import annotations

import importlib
import os
from typing import Any

import click
from datapipeline.v1 import pipelines_pb2, run_pb2

from server import cli_output as output
from server.cli_answers import json_option, session_of, tell, tell_all
from server.cli_connection import Endpoint, Session
from server.cli_errors import RefusedError
from server.cli_explain import explain
from server.cli_follow import followed
from server.cli_parameters import is_header_value, parameters, target
from server.cli_procedures import procedures
from server.cli_schedules import schedules

# Loaded by name when they are asked for: they know the workers' rooms, which no other command may.
_OF_DECLARATIONS = {"test-read": "test_read", "validate": "validate"}
_EXIT_STATUS = """Exit status: 0 done or COMPLETED, 1 the run failed, timed out or was quarantined, 2 bad usage or
refused, 3 the run was cancelled, 4 the service cannot be reached."""
_PAGE = 100
_STATUSES = ["PENDING", "RUNNING", "COMPLETED", "FAILED", "TIMEOUT", "CANCELLING", "CANCELLED", "QUARANTINED"]

follow_option = click.option(
    "--follow", is_flag=True, help="Follow the run to its end; its outcome is the exit status."
)
run_id_argument = click.argument("run_id")


class _Commands(click.Group):
    """Commands whose refusals are also a JSON line where --json was asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_OF_DECLARATIONS])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _OF_DECLARATIONS:
            found: click.Command = getattr(importlib.import_module("server.validate"), _OF_DECLARATIONS[cmd_name])
            return found
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UnicodeEncodeError:
            raise click.UsageError("an argument is not valid UTF-8") from None
        except RefusedError as error:
            if ctx.meta.get("as_json"):
                output.json_line(error.as_json())
            raise


def _endpoint(_context: click.Context, _option: click.Parameter, text: str) -> Endpoint:
    try:
        return Endpoint.parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _key(name: str) -> str:
    key = os.environ.get(name, "")  # noqa: TID251 - a key on the command line would be seen by all
    if not is_header_value(key):
        raise click.UsageError(f"{name} holds a character that no key has")
    return key


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EXIT_STATUS)
@click.option(
    "--endpoint",
    envvar="PIPELINES_ENDPOINT",
    default="http://localhost:8001",
    show_default=True,
    show_envvar=True,
    callback=_endpoint,
    help="http(s)://HOST:PORT or HOST:PORT.",
)
@click.pass_context
def main(context: click.Context, endpoint: Endpoint) -> None:
    """Run pipelines of an organisation and follow them. The key is read from PIPELINES_API_KEY."""
    changes = context.obj or {}
    context.obj = Session(endpoint, _key("PIPELINES_API_KEY"), _key("PIPELINES_ROOT_KEY"), **changes)
    context.call_on_close(context.obj.close)


@main.command()
@click.argument("path")
@click.option("--org", envvar="PIPELINES_ORG", show_envvar=True, help="Organisation of the key.")
@click.option("-p", "--parameter", "words", multiple=True, metavar="NAME=TEXT|NAME:=JSON", help="May be repeated.")
@click.option("--idempotency-key", help="The same key and parameters never start a second run.")
@follow_option
@json_option
@click.pass_context
def run(
    context: click.Context,
    path: str,
    org: str | None,
    words: tuple[str, ...],
    idempotency_key: str | None,
    follow: bool,
    as_json: bool,
) -> None:
    """Start PATH, which is PROVIDER/DOMAIN/PIPELINE or PROVIDER/PIPELINE.

    A parameter NAME=TEXT is sent as text, dates included; NAME:=JSON as a number, true, false, null, a list or
    an object:

    pipelines run openai/cost/usage_cost --org acme -p start_date=2026-11-01 -p force_refresh:=true
    """
    session = session_of(context, as_json=as_json)
    named = target(path, org)
    request = pipelines_pb2.RunPipelineRequest(
        org=named.org, provider=named.provider, domain=named.domain, pipeline=named.pipeline
    )
    request.parameters.update(parameters(words))
    if idempotency_key is not None and not is_header_value(idempotency_key):
        raise click.UsageError("--idempotency-key takes printable ASCII only")
    receipt = session.call("RunPipeline", request, idempotency_key=idempotency_key)
    again = " (an earlier run with these parameters)" if receipt.existing else ""
    tell(session, receipt, f"{receipt.run_id}  {receipt.pipeline_id}  {receipt.status}{again}", as_json=as_json)
    if follow:
        context.exit(followed(session, receipt.run_id, as_json=as_json))


@main.command()
@click.option("--pipeline-id", default="", help="Only runs of this pipeline_id.")
@click.option("--status", default="", type=click.Choice(["", *_STATUSES], case_sensitive=False), metavar="STATUS")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000), help="Most runs to list.")
@json_option
@click.pass_context
def runs(context: click.Context, pipeline_id: str, status: str, limit: int, as_json: bool) -> None:
    """List runs, newest first."""
    session = session_of(context, as_json=as_json)
    found: list[run_pb2.Run] = []
    request = pipelines_pb2.ListRunsRequest(pipeline_id=pipeline_id, status=status)
    while len(found) < limit:
        request.page_size = min(_PAGE, limit - len(found))
        page = session.call("ListRuns", request)
        found += page.runs
        request.page_token = page.next_page_token
        if not page.next_page_token:
            break
    tell_all(session, found[:limit], output.runs_table, as_json=as_json)


@main.command()
@run_id_argument
@json_option
@click.pass_context
def show(context: click.Context, run_id: str, as_json: bool) -> None:
    """Show a run with its steps."""
    session = session_of(context, as_json=as_json)
    found = session.call("GetRun", pipelines_pb2.GetRunRequest(run_id=run_id))
    if as_json:
        output.json_line(found)
        return
    session.console.print(output.run_lines(found))
    if found.steps:
        session.console.print(output.steps_table(found.steps))


@main.command()
@run_id_argument
@click.option("--after", default=0, type=click.IntRange(0), help="Only events past this sequence.")
@json_option
@click.pass_context
def watch(context: click.Context, run_id: str, after: int, as_json: bool) -> None:
    """Follow a run to its end, over lost connections; its outcome is the exit status."""
    session = session_of(context, as_json=as_json)
    context.exit(followed(session, run_id, as_json=as_json, after=after))


@main.command()
@run_id_argument
@json_option
@click.pass_context
def cancel(context: click.Context, run_id: str, as_json: bool) -> None:
    """Ask a run to stop."""
    session = session_of(context, as_json=as_json)
    found = session.call("CancelRun", pipelines_pb2.CancelRunRequest(run_id=run_id))
    tell(session, found, f"{found.run_id}  {found.status}", as_json=as_json)


@main.command()
@run_id_argument
@follow_option
@json_option
@click.pass_context
def retry(context: click.Context, run_id: str, follow: bool, as_json: bool) -> None:
    """Start a new run that goes on where an ended one stopped."""
    session = session_of(context, as_json=as_json)
    found = session.call("RetryRun", pipelines_pb2.RetryRunRequest(run_id=run_id))
    tell(session, found, f"{found.run_id}  {found.status}  (retry of {run_id})", as_json=as_json)
    if follow:
        context.exit(followed(session, found.run_id, as_json=as_json))


@main.command()
@json_option
@click.pass_context
def pipelines(context: click.Context, as_json: bool) -> None:
    """List the pipelines the organisation may run, with their parameters."""
    session = session_of(context, as_json=as_json)
    found = session.call("ListPipelines", pipelines_pb2.ListPipelinesRequest()).pipelines
    tell_all(session, found, output.pipelines_table, as_json=as_json)


main.add_command(explain)
main.add_command(procedures)
main.add_command(schedules)


if __name__ == "__main__":
    main()
