"""What commands share: the option --json, the session they speak through, and how an answer is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from server import cli_output as output
from server.cli_connection import Session

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON lines, one object a line.")


def session_of(context: click.Context, *, as_json: bool) -> Session:
    """Return the session; refusals are told as JSON lines from now on when answers are."""
    context.meta["as_json"] = as_json
    session: Session = context.obj
    return session


def tell(session: Session, message: Any, line: str, *, as_json: bool) -> None:
    """Print an answer as a JSON line, or else the line."""
    if as_json:
        output.json_line(message)
    else:
        session.console.print(output.cell(line), soft_wrap=True)


def tell_all(session: Session, found: Any, table: Callable[[Any], Any], *, as_json: bool) -> None:
    """Print answers as JSON lines, or else as a table."""
    if not as_json:
        session.console.print(table(found))
        return
    for item in found:
        output.json_line(item)
