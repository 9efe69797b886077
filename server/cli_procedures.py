"""The commands `pipelines procedures …`: what stands in the warehouse, what files there are, and syncing them."""

from __future__ import annotations

import click
from datapipeline.v1 import procedures_pb2

from server import cli_output as output
from server.cli_answers import json_option, session_of, tell, tell_all
from server.cli_errors import FAILED

name_argument = click.argument("name")


@click.group()
def procedures() -> None:
    """Keep stored procedures in step with their files. The root key is read from PIPELINES_ROOT_KEY."""


@procedures.command("list")
@json_option
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """List the procedures that exist, with whether each is what its file says."""
    session = session_of(context, as_json=as_json)
    found = session.procedure("ListProcedures", procedures_pb2.ListProceduresRequest()).procedures
    tell_all(session, found, output.procedures_table, as_json=as_json)


@procedures.command()
@json_option
@click.pass_context
def files(context: click.Context, as_json: bool) -> None:
    """List the files that can be synced."""
    session = session_of(context, as_json=as_json)
    found = session.procedure("ListProcedureFiles", procedures_pb2.ListProcedureFilesRequest()).files
    tell_all(session, found, output.files_table, as_json=as_json)


@procedures.command()
@name_argument
@json_option
@click.pass_context
def show(context: click.Context, name: str, as_json: bool) -> None:
    """Show a procedure as it stands, with its definition."""
    session = session_of(context, as_json=as_json)
    found = session.procedure("GetProcedure", procedures_pb2.GetProcedureRequest(name=name))
    tell(session, found, _line(found), as_json=as_json)
    for line in () if as_json else ("", *found.definition.splitlines()):
        session.console.print(output.cell(line), soft_wrap=True)


@procedures.command()
@click.argument("names", nargs=-1)
@click.option("--domain", default="", help="Only files of this folder.")
@click.option("--force", is_flag=True, help="Write unchanged files, too.")
@json_option
@click.pass_context
def sync(context: click.Context, names: tuple[str, ...], domain: str, force: bool, as_json: bool) -> None:
    """Write what has changed, all of it or NAMES and what they call; the exit status is 1 when any fails."""
    session = session_of(context, as_json=as_json)
    request = procedures_pb2.SyncProceduresRequest(procedures=names, domain=domain, force=force)
    answer = session.procedure("SyncProcedures", request)
    tell_all(session, answer.outcomes, output.outcomes_table, as_json=as_json)
    context.exit(FAILED if answer.failed else 0)


@procedures.command()
@name_argument
@json_option
@click.pass_context
def put(context: click.Context, name: str, as_json: bool) -> None:
    """Write one procedure from its file, changed or not."""
    session = session_of(context, as_json=as_json)
    found = session.procedure("PutProcedure", procedures_pb2.PutProcedureRequest(name=name))
    tell(session, found, _line(found), as_json=as_json)


@procedures.command()
@name_argument
@json_option
@click.pass_context
def delete(context: click.Context, name: str, as_json: bool) -> None:
    """Remove one procedure from the warehouse; its file stays."""
    session = session_of(context, as_json=as_json)
    answer = session.procedure("DeleteProcedure", procedures_pb2.DeleteProcedureRequest(name=name))
    tell(session, answer, f"{name}  deleted", as_json=as_json)


def _line(found: procedures_pb2.Procedure) -> str:
    taken = ", ".join(f"{one.name} {one.type}" for one in found.arguments)
    return f"{found.name}({taken})  {output.standing(found)}  {output.moment(found.updated_at)}"
