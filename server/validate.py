"""What the command line does with declarations themselves, without a service: reads them, and tries one read of a step.

The one part of the command line that knows the workers' rooms; `cli` loads it by name when it is asked for.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
import click
from attrs import frozen
from rich.console import Console

from server.cli_answers import json_option
from server.cli_errors import FAILED, REFUSED, printable
from server.cli_parameters import parameters
from server.clock import SystemClock
from server.trial import Trial, TrialError, Tried, try_read
from workers.catalog import Catalog, ConfigError
from workers.catalog.problems import Problem
from workers.model.failure import FailedError, SnoozeError

CONFIGS = Path(__file__).parent.parent / "configs"
CREDENTIAL = "PIPELINES_CREDENTIAL"

configs_option = click.option(
    "--configs", default=CONFIGS, type=click.Path(exists=True, file_okay=False, path_type=Path), help="Folder to read."
)


@frozen
class _Asked:
    """What to try."""

    catalog: Catalog
    path: str
    step: str
    rows: int
    org: str
    given: Mapping[str, Any]


@click.command("test-read")
@click.argument("path")
@click.option("--step", default="", help="Step that reads an API; not needed where there is one.")
@click.option("--rows", default=10, show_default=True, type=click.IntRange(1, 1000), help="Most rows to show.")
@click.option("--org", default="acme", envvar="PIPELINES_ORG", show_envvar=True, help="What {org_slug} stands for.")
@click.option("-p", "--parameter", "words", multiple=True, metavar="NAME=TEXT|NAME:=JSON", help="May be repeated.")
@click.option("--allow", multiple=True, metavar="HOST:PORT", help="May be reached over http and on loopback.")
@configs_option
@json_option
@click.pass_context
def test_read(
    context: click.Context,
    path: str,
    step: str,
    rows: int,
    org: str,
    words: tuple[str, ...],
    allow: tuple[str, ...],
    configs: Path,
    as_json: bool,
) -> None:
    """Read some rows of a step of PATH, show them and what the next page would be. Nothing is written anywhere.

    The credential is read from PIPELINES_CREDENTIAL, or asked for.
    """
    asked = _Asked(loaded(configs, allow), path, step, rows, org, parameters(words))
    try:
        tried = asyncio.run(try_read(_trial(asked, allow), SystemClock(), _credential, _replaced))
    except (TrialError, FailedError, SnoozeError) as error:
        reason = error.failure.message if isinstance(error, FailedError) else str(error)
        click.echo(f"error: {printable(reason)}", err=True)
        context.exit(REFUSED if isinstance(error, TrialError) else FAILED)
    _show(tried, as_json=as_json)


@click.command("validate")
@click.option("--allow", multiple=True, metavar="HOST:PORT", help="May be reached over http and on loopback.")
@configs_option
@json_option
@click.pass_context
def validate(context: click.Context, allow: tuple[str, ...], configs: Path, as_json: bool) -> None:
    """Check every declaration: pipelines, schemas, providers, plans, procedures, notices. Nothing else is asked.

    Prints everything that is wrong, each with its file, line and column, and exits 2; warnings are printed too.
    """
    try:
        catalog = Catalog.load(configs, egress_allow=frozenset(allow))
    except ConfigError as error:
        _tell("error", error.problems, as_json=as_json)
        context.exit(REFUSED)
    _tell("warning", catalog.warnings, as_json=as_json)
    if not as_json:
        click.echo(f"{len(catalog.pipelines)} pipelines are sound")


def _tell(level: str, problems: Iterable[Problem], *, as_json: bool) -> None:
    for problem in problems:
        if as_json:
            click.echo(json.dumps({"level": level, **attrs.asdict(problem)}, ensure_ascii=False))
        else:
            click.echo(f"{level}: {printable(str(problem))}", err=level == "error")


def loaded(configs: Path, allow: tuple[str, ...] = ()) -> Catalog:
    """Read all declarations; prints everything that is wrong with them and exits 2."""
    try:
        return Catalog.load(configs, egress_allow=frozenset(allow))
    except ConfigError as error:
        for problem in error.problems:
            click.echo(printable(str(problem)), err=True)
        raise click.exceptions.Exit(REFUSED) from None


def _trial(asked: _Asked, allow: tuple[str, ...]) -> Trial:
    return Trial(
        asked.catalog,
        asked.path,
        asked.step,
        asked.rows,
        asked.org,
        asked.given,
        ",".join(allow),
        uuid.uuid4(),  # noqa: TID251 - the root of this command
    )


def _credential(name: str) -> str:
    given = os.environ.get(CREDENTIAL, "")  # noqa: TID251 - a secret on the command line would be seen by all
    return given or str(click.prompt(f"credential of {name}", hide_input=True, err=True))


def _replaced(name: str, secret: str) -> None:
    handle, path = tempfile.mkstemp(prefix="credential-")
    with os.fdopen(handle, "w") as file:
        file.write(secret)
    said = f"the provider has replaced the credential of {name}: store the one in {path}, and remove the file"
    click.echo(printable(said), err=True)


def _show(tried: Tried, *, as_json: bool) -> None:
    for row in tried.rows:
        click.echo(json.dumps(row, ensure_ascii=False, default=str))
    if as_json:
        summary = {"pages": tried.pages, "bytes": tried.bytes, "next_page": tried.following, "columns": tried.columns}
        click.echo(json.dumps(summary, ensure_ascii=False))
        return
    console = Console(stderr=True, soft_wrap=True)
    console.print(f"{len(tried.rows)} rows of {tried.pages} pages, {tried.bytes} bytes, from {printable(tried.url)}")
    columns = ", ".join(f"{name} {kind}" for name, kind in tried.columns.items())
    console.print(f"columns they would make: {printable(columns) or 'none'}")
    console.print(f"next page: {printable(tried.following) or 'there is none'}")
