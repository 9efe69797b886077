"""Runs the simulator: `python -m sandbox.openai --port 0 --ready-file PATH`, with the key in SANDBOX_OPENAI_KEY."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from datetime import UTC, date, datetime
from pathlib import Path

import attrs

from sandbox.faults import FaultRule, FaultRuleError, Faults
from sandbox.openai.app import Service
from sandbox.openai.faults import parse
from sandbox.openai.generated import Generated
from sandbox.openai.given import DataFileError, load_data
from sandbox.openai.pages import Pages
from sandbox.records import Past, Source
from sandbox.serving import add_options, serve


@attrs.frozen
class Options:
    """What the command line says, checked."""

    given: argparse.Namespace
    source: Source
    faults: list[FaultRule]


def read_options(arguments: list[str] | None = None) -> Options:
    """Return the options, or exit with every usage error argparse would give."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.openai", description=__doc__)
    add_options(parser)
    parser.add_argument("--key", default=os.environ.get("SANDBOX_OPENAI_KEY"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, help="answer from this JSON file instead of the generator")
    parser.add_argument("--scale", type=int, default=1, help="API keys for each one, for benchmarks")
    parser.add_argument("--today", type=date.fromisoformat, help="the last day with data; else the UTC day it is")
    given = parser.parse_args(arguments)
    if not given.key:
        parser.error("a key is needed: SANDBOX_OPENAI_KEY or --key")
    if given.scale < 1:
        parser.error("--scale begins at 1")
    try:
        source = load_data(given.data) if given.data else Generated(given.seed)
        faults = parse(json.loads(given.faults))
    except (OSError, DataFileError, FaultRuleError, ValueError) as error:
        parser.error(str(error))
    return Options(given, source, faults)


def _now() -> datetime:
    return datetime.now(UTC)


def main() -> None:
    """Run until stopped."""
    options = read_options()
    given = options.given
    source = Past(options.source, lambda: given.today or _now().date())
    service = Service(Pages(source, given.scale), Faults(options.faults), given.key, lambda: int(_now().timestamp()))
    asyncio.run(serve(service.application(), given, "/v1"))


if __name__ == "__main__":
    main()
