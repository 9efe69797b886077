"""The commands `pipelines schedules …`: put, list, pause, resume and delete schedules, and see when they fire."""

from __future__ import annotations

from typing import Any

import click
from datapipeline.v1 import scheduler_pb2

from server import cli_output as output
from server.cli_answers import json_option, session_of, tell, tell_all
from server.cli_parameters import parameters, target

_MOST = 100

org_option = click.option(
    "--org", envvar="PIPELINES_ORG", show_envvar=True, required=True, help="Organisation of the key."
)
id_argument = click.argument("config_id")
note_option = click.option("--note", default="", help="Why.")


@click.group()
def schedules() -> None:
    """Run pipelines at the times of a schedule."""


@schedules.command("list")
@org_option
@json_option
@click.pass_context
def list_(context: click.Context, org: str, as_json: bool) -> None:
    """List schedules by pipeline and name."""
    session = session_of(context, as_json=as_json)
    found = session.schedule("ListSchedules", scheduler_pb2.ListSchedulesRequest(org=org)).schedules
    tell_all(session, found, output.schedules_table, as_json=as_json)


@schedules.command()
@click.argument("path")
@org_option
@click.option("--name", default="", help="Tells schedules of one pipeline apart.  [default: default]")
@click.option("--cron", "schedule_cron", default="", help='Five fields, such as "30 2 * * *".')
@click.option("--daily", metavar="HH:MM", default="", help="Every day at that time, instead of --cron.")
@click.option("--monthly", metavar="DAY@HH:MM", default="", help="Every month, instead of --cron.")
@click.option("--timezone", default="", help="IANA zone of the times.  [default: UTC]")
@click.option("-p", "--parameter", "words", multiple=True, metavar="NAME=TEXT|NAME:=JSON", help="May be repeated.")
@click.option("--priority", type=click.IntRange(1), help="1 is the highest.  [default: 100]")
@click.option("--catch-up", type=click.Choice(["none", "latest", "all"]), help="[default: latest]")
@click.option("--overlap", type=click.Choice(["skip", "queue", "cancel_previous"]), help="[default: skip]")
@click.option("--jitter", "jitter_seconds", type=click.IntRange(0), default=0, help="Seconds to spread firing over.")
@click.option("--etag", default="", help="Fail when the schedule has been changed since.")
@click.option("--paused", is_flag=True, help="Do not fire yet.")
@note_option
@json_option
@click.pass_context
def put(context: click.Context, /, path: str, org: str, as_json: bool, **given: Any) -> None:
    """Put a schedule of PATH, or replace the one of that name. Without times the pipeline's own count.

    pipelines schedules put openai/cost/usage_cost --org acme --cron "30 2 * * *" -p start_date=today-3
    """
    session = session_of(context, as_json=as_json)
    schedule = _schedule(path, org, given)
    kept = session.schedule("PutSchedule", scheduler_pb2.PutScheduleRequest(org=org, schedule=schedule))
    tell(session, kept, _line(kept), as_json=as_json)


@schedules.command()
@id_argument
@org_option
@note_option
@json_option
@click.pass_context
def pause(context: click.Context, config_id: str, org: str, note: str, as_json: bool) -> None:
    """Keep a schedule from firing."""
    session = session_of(context, as_json=as_json)
    request = scheduler_pb2.PauseScheduleRequest(org=org, config_id=config_id, note=note)
    kept = session.schedule("PauseSchedule", request)
    tell(session, kept, _line(kept), as_json=as_json)


@schedules.command()
@id_argument
@org_option
@note_option
@json_option
@click.pass_context
def resume(context: click.Context, config_id: str, org: str, note: str, as_json: bool) -> None:
    """Let a schedule fire again."""
    session = session_of(context, as_json=as_json)
    request = scheduler_pb2.ResumeScheduleRequest(org=org, config_id=config_id, note=note)
    kept = session.schedule("ResumeSchedule", request)
    tell(session, kept, _line(kept), as_json=as_json)


@schedules.command()
@id_argument
@org_option
@json_option
@click.pass_context
def delete(context: click.Context, config_id: str, org: str, as_json: bool) -> None:
    """Delete a schedule."""
    session = session_of(context, as_json=as_json)
    answer = session.schedule("DeleteSchedule", scheduler_pb2.DeleteScheduleRequest(org=org, config_id=config_id))
    tell(session, answer, f"{config_id}  deleted", as_json=as_json)


@schedules.command("next")
@id_argument
@org_option
@click.option("-n", "--count", default=10, show_default=True, type=click.IntRange(1, _MOST))
@json_option
@click.pass_context
def next_(context: click.Context, config_id: str, org: str, count: int, as_json: bool) -> None:
    """Show when a schedule fires next."""
    session = session_of(context, as_json=as_json)
    request = scheduler_pb2.ListOccurrencesRequest(org=org, config_id=config_id, next=count, page_size=1)
    found = session.schedule("ListOccurrences", request).coming
    tell_all(session, found, output.occurrences_table, as_json=as_json)


@schedules.command()
@id_argument
@org_option
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000), help="Most to list.")
@json_option
@click.pass_context
def occurrences(context: click.Context, config_id: str, org: str, limit: int, as_json: bool) -> None:
    """Show what became of a schedule's times, the newest first."""
    session = session_of(context, as_json=as_json)
    request = scheduler_pb2.ListOccurrencesRequest(org=org, config_id=config_id, next=1)
    found: list[scheduler_pb2.Occurrence] = []
    while len(found) < limit:
        request.page_size = min(_MOST, limit - len(found))
        page = session.schedule("ListOccurrences", request)
        found += page.past
        request.page_token = page.next_page_token
        if not page.next_page_token:
            break
    tell_all(session, found[:limit], output.occurrences_table, as_json=as_json)


def _schedule(path: str, org: str, given: dict[str, Any]) -> scheduler_pb2.Schedule:
    named = target(path, org)
    values = parameters(given.pop("words"))
    daily, monthly, paused = given.pop("daily"), given.pop("monthly"), given.pop("paused")
    if sum(map(bool, (given["schedule_cron"], daily, monthly))) > 1:
        raise click.UsageError("give one of --cron, --daily and --monthly")
    if daily:
        given |= {"type": "daily", "time": daily}
    if monthly:
        day, at, time = monthly.partition("@")
        if not at or not day.isdigit():
            raise click.UsageError(f"--monthly {monthly!r} is not DAY@HH:MM")
        given |= {"type": "monthly", "time": time, "day_of_month": int(day)}
    given["is_active"] = False if paused else None
    schedule = scheduler_pb2.Schedule(provider=named.provider, domain=named.domain, pipeline=named.pipeline, **given)
    schedule.parameters.update(values)
    return schedule


def _line(schedule: scheduler_pb2.Schedule) -> str:
    due = output.moment(schedule.next_run_time) if schedule.HasField("next_run_time") else "paused"
    return f"{schedule.config_id}  {schedule.pipeline_id}  {schedule.name}  {schedule.schedule_cron}  next {due}"
