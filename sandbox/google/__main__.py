"""Runs the simulator: `python -m sandbox.google --port 0 --ready-file PATH`, its key file's text in SANDBOX_GCP_SA."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time

import attrs

from sandbox.faults import FaultRule, FaultRuleError, Faults
from sandbox.google.account import Account, KeyFileError
from sandbox.google.app import Service, parse
from sandbox.google.estate import Estate
from sandbox.google.oauth import LONGEST_SECONDS, TokenDesk
from sandbox.serving import add_options, serve


@attrs.frozen
class Options:
    """What the command line says, checked."""

    given: argparse.Namespace
    account: Account
    faults: list[FaultRule]


def read_options(arguments: list[str] | None = None) -> Options:
    """Return the options, or exit with every usage error argparse would give."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.google", description=__doc__)
    add_options(parser)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--token-seconds", type=int, default=LONGEST_SECONDS, help="how long tokens live")
    given = parser.parse_args(arguments)
    try:
        account = Account(os.environ.get("SANDBOX_GCP_SA", ""))
        faults = parse(json.loads(given.faults))
    except (KeyFileError, FaultRuleError, ValueError) as error:
        parser.error(str(error))
    return Options(given, account, faults)


def main() -> None:
    """Run until stopped."""
    options = read_options()
    tokens = TokenDesk(options.account, time.time, options.given.token_seconds)
    service = Service(Estate(options.given.seed), options.account, tokens, Faults(options.faults))
    asyncio.run(serve(service.application(), options.given))


if __name__ == "__main__":
    main()
