"""What the command line prints: given messages of the contract, hands on tables for people and lines for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC
from typing import Any

import click
from datapipeline.v1 import pipelines_pb2, procedures_pb2, run_pb2, scheduler_pb2
from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich.table import Table
from rich.text import Text

from server.cli_errors import printable

_COLOURS = {"COMPLETED": "green", "FAILED": "red", "TIMEOUT": "red", "QUARANTINED": "red", "CANCELLED": "yellow"}


def json_line(value: Message | dict[str, Any]) -> None:
    """Print one object on one line, with the contract's field names, zeros included."""
    if isinstance(value, Message):
        value = json_format.MessageToDict(
            value, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
    click.echo(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def runs_table(runs: Iterable[run_pb2.Run]) -> Table:
    """Return runs as rows, in the order given."""
    table = _table("RUN", "PIPELINE", "STATUS", "TRIGGER", "CREATED", "DURATION")
    for run in runs:
        cells = (run.run_id, run.pipeline_id, status(run.status), run.trigger_type)
        table.add_row(*_cells(*cells), moment(run.created_at), duration(run.duration_ms))
    return table


def pipelines_table(pipelines: Iterable[pipelines_pb2.Pipeline]) -> Table:
    """Return declared pipelines as rows; a required parameter ends with a star."""
    table = _table("PATH", "NAME", "PARAMETERS", "NEEDS", "SCHEDULE", "RUNNABLE")
    for pipeline in pipelines:
        path = "/".join(part for part in (pipeline.provider, pipeline.domain, pipeline.pipeline) if part)
        taken = ", ".join(f"{item.name}:{item.type}{'*' if item.required else ''}" for item in pipeline.parameters)
        needs, may = ", ".join(pipeline.integration_required), "yes" if pipeline.runnable else "no: "
        why = "; ".join(one.message for one in pipeline.obstacles)
        table.add_row(*_cells(path, pipeline.name, taken, needs, _schedules(pipeline), f"{may}{why}"))
    return table


def _schedules(pipeline: pipelines_pb2.Pipeline) -> str:
    """Return the organisation's schedules of a pipeline, else the declared one in brackets."""
    put = [f"{one.cron} {one.timezone}{'' if one.is_active else ' paused'}" for one in pipeline.schedules]
    declared = f"({pipeline.schedule.cron} {pipeline.schedule.timezone})" if pipeline.HasField("schedule") else ""
    return ", ".join(put) or declared


def schedules_table(schedules: Iterable[scheduler_pb2.Schedule]) -> Table:
    """Return schedules as rows; one that is paused has its note where its next time would stand."""
    table = _table("CONFIG", "PATH", "NAME", "CRON", "ZONE", "NEXT", "LAST")
    for one in schedules:
        path = "/".join(part for part in (one.provider, one.domain, one.pipeline) if part)
        due = moment(one.next_run_time) if one.is_active else f"paused {one.note}".strip()
        table.add_row(*_cells(one.config_id, path, one.name, one.schedule_cron, one.timezone, due, one.last_run_status))
    return table


def occurrences_table(occurrences: Iterable[scheduler_pb2.Occurrence]) -> Table:
    """Return occurrences as rows, in the order given."""
    table = _table("DUE", "STATE", "RUN", "STATUS", "WHY")
    for one in occurrences:
        table.add_row(*_cells(moment(one.due_at), one.state, one.run_id, status(one.run_status), one.why))
    return table


def run_lines(run: run_pb2.Run) -> Table:
    """Return what is known of a run, one fact a row; empty facts are left out."""
    table = _table("", "")
    table.show_header = False
    parameters = json.dumps(json_format.MessageToDict(run.parameters), ensure_ascii=False) if run.parameters else ""
    facts: dict[str, Text | str] = {
        "run": run.run_id,
        "pipeline": run.pipeline_id,
        "status": status(run.status),
        "trigger": " by ".join(part for part in (run.trigger_type, run.trigger_by) if part),
        "parameters": "" if parameters == "{}" else parameters,
        "created": moment(run.created_at),
        "started": moment(run.start_time),
        "ended": moment(run.end_time),
        "duration": duration(run.duration_ms),
        "retry of": run.retry_of,
        "error": failure(run.error),
    }
    for name, fact in facts.items():
        if fact:
            table.add_row(Text(name, "dim"), cell(fact))
    return table


def steps_table(steps: Iterable[run_pb2.Step]) -> Table:
    """Return the steps of a run as rows."""
    table = _table("STEP", "PROCESSOR", "STATUS", "ROWS", "ATTEMPT", "ERROR")
    for step in steps:
        cells = (step.step_id, step.ps_type, status(step.status), f"{step.rows:,.0f}", str(step.attempt))
        table.add_row(*_cells(*cells, failure(step.error)))
    return table


def procedures_table(procedures: Iterable[procedures_pb2.Procedure]) -> Table:
    """Return stored procedures as rows."""
    table = _table("PROCEDURE", "DOMAIN", "STATE", "WRITTEN", "SHA-256")
    for one in procedures:
        table.add_row(*_cells(one.name, one.domain, standing(one), moment(one.updated_at), one.content_sha256[:12]))
    return table


def files_table(files: Iterable[procedures_pb2.ProcedureFile]) -> Table:
    """Return files of procedures as rows."""
    table = _table("PROCEDURE", "DOMAIN", "TAKES", "CALLS", "SHA-256")
    for one in files:
        taken = ", ".join(f"{argument.name} {argument.type}" for argument in one.arguments)
        table.add_row(*_cells(one.name, one.domain, taken, ", ".join(one.calls), one.content_sha256[:12]))
    return table


def outcomes_table(outcomes: Iterable[procedures_pb2.ProcedureOutcome]) -> Table:
    """Return what became of procedures as rows."""
    table = _table("PROCEDURE", "DOMAIN", "OUTCOME", "WHY")
    for one in outcomes:
        why = f"{one.reason}: {one.message}" if one.reason else ""
        table.add_row(*_cells(one.name, one.domain, one.outcome, why))
    return table


def standing(procedure: procedures_pb2.Procedure) -> str:
    """Return how a procedure stands to its file."""
    if procedure.in_sync:
        return "in sync"
    return "out of sync" if procedure.domain else "without a file"


def failure(error: run_pb2.RunError) -> str:
    """Return `REASON: message (step)`; empty when nothing failed."""
    if not error.reason and not error.message:
        return ""
    return f"{error.reason or error.code}: {error.message}" + (f" ({error.step})" if error.step else "")


def status(text: str) -> Text:
    """Return a status in its colour."""
    return Text(printable(text), _COLOURS.get(text, "cyan"))


def cell(value: Text | str) -> Text:
    """Return text that is printed as it is: no markup, no control characters."""
    return value if isinstance(value, Text) else Text(printable(value))


def _cells(*values: Text | str) -> list[Text]:
    return [cell(value) for value in values]


def moment(time: Timestamp) -> str:
    """Return a time in UTC; empty when it is unset."""
    return time.ToDatetime(UTC).strftime("%Y-%m-%d %H:%M:%SZ") if time.seconds else ""


def duration(milliseconds: float) -> str:
    """Return seconds with one decimal; empty for nothing."""
    return f"{milliseconds / 1000:,.1f} s" if milliseconds else ""


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(
            column, no_wrap=column in {"RUN", "STATUS", "CREATED", "PATH", "CONFIG", "DUE", "NEXT"}, overflow="fold"
        )
    return table
