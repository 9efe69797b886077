"""Runs the simulator: `python -m sandbox.anthropic --port 0 --ready-file PATH`, its key in SANDBOX_ANTHROPIC_KEY."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from datetime import UTC, date, datetime, time
from pathlib import Path

import attrs

from sandbox.anthropic.app import Service, parse
from sandbox.anthropic.generated import Generated
from sandbox.anthropic.given import DataFileError, load_data
from sandbox.anthropic.pages import Pages
from sandbox.faults import FaultRule, FaultRuleError, Faults
from sandbox.records import Past, Source
from sandbox.serving import add_options, serve

_NOON = time(12, tzinfo=UTC)


@attrs.frozen
class Options:
    """What the command line says, checked."""

    given: argparse.Namespace
    source: Source
    faults: list[FaultRule]


def read_options(arguments: list[str] | None = None) -> Options:
    """Return the options, or exit with every usage error argparse would give."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.anthropic", description=__doc__)
    add_options(parser)
    parser.add_argument("--key", default=os.environ.get("SANDBOX_ANTHROPIC_KEY"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, help="answer from this JSON file instead of the generator")
    parser.add_argument(
        "--today", type=date.fromisoformat, help="a day at whose noon it stays; else it is as late as it is"
    )
    given = parser.parse_args(arguments)
    if not given.key:
        parser.error("a key is needed: SANDBOX_ANTHROPIC_KEY or --key")
    try:
        source = load_data(given.data) if given.data else Generated(given.seed)
        faults = parse(json.loads(given.faults))
    except (OSError, DataFileError, FaultRuleError, ValueError) as error:
        parser.error(str(error))
    return Options(given, source, faults)


def main() -> None:
    """Run until stopped."""
    options = read_options()
    today = options.given.today

    def now() -> datetime:
        return datetime.combine(today, _NOON) if today else datetime.now(UTC)

    pages = Pages(Past(options.source, lambda: now().date()), now)
    service = Service(pages, Faults(options.faults), options.given.key, now)
    asyncio.run(serve(service.application(), options.given, "/v1"))


if __name__ == "__main__":
    main()
