"""Runs the simulator: `python -m sandbox.openai --port 0 --ready-file PATH`, with the key in SANDBOX_OPENAI_KEY."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import attrs
from aiohttp import web

from sandbox.openai.app import Service
from sandbox.openai.faults import FaultRule, FaultRuleError, Faults, parse_rules
from sandbox.openai.generated import Generated
from sandbox.openai.given import DataFileError, load_data
from sandbox.openai.pages import Pages
from sandbox.openai.records import Past, Source

_SHUTDOWN_SECONDS = 1.0


@attrs.frozen
class Options:
    """What the command line says, checked."""

    host: str
    port: int
    ready_file: Path | None
    key: str
    source: Source
    faults: list[FaultRule]
    scale: int
    today: date | None
    until_eof: bool


def read_options(arguments: list[str] | None = None) -> Options:
    """Return the options, or exit with every usage error argparse would give."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.openai", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--ready-file", type=Path, help="written when the port is open: base_url, origin, pid")
    parser.add_argument("--key", default=os.environ.get("SANDBOX_OPENAI_KEY"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, help="answer from this JSON file instead of the generator")
    parser.add_argument("--faults", default="[]", help="fault rules as a JSON list")
    parser.add_argument("--scale", type=int, default=1, help="API keys for each one, for benchmarks")
    parser.add_argument("--today", type=date.fromisoformat, help="the last day with data; else the UTC day it is")
    parser.add_argument("--until-eof", action="store_true", help="stop when standard input ends")
    given = parser.parse_args(arguments)
    if not given.key:
        parser.error("a key is needed: SANDBOX_OPENAI_KEY or --key")
    if given.scale < 1:
        parser.error("--scale begins at 1")
    try:
        source = load_data(given.data) if given.data else Generated(given.seed)
        faults = parse_rules(json.loads(given.faults))
    except (OSError, DataFileError, FaultRuleError, ValueError) as error:
        parser.error(str(error))
    return Options(
        given.host, given.port, given.ready_file, given.key, source, faults, given.scale, given.today, given.until_eof
    )


def _now() -> datetime:
    return datetime.now(UTC)


async def serve(options: Options) -> None:
    """Serve until a signal or, when asked to, the end of standard input; announce the address once it is open."""
    source = Past(options.source, lambda: options.today or _now().date())
    service = Service(
        Pages(source, options.scale), Faults(options.faults), options.key, lambda: int(_now().timestamp())
    )
    runner = web.AppRunner(
        service.application(), access_log=None, handler_cancellation=True, shutdown_timeout=_SHUTDOWN_SECONDS
    )
    await runner.setup()
    try:
        stop = _stop_event(until_eof=options.until_eof)
        site = web.TCPSite(runner, options.host, options.port)
        await site.start()
        _announce(runner.addresses[0], options.ready_file)
        await stop.wait()
    finally:
        await runner.cleanup()


def _stop_event(*, until_eof: bool) -> asyncio.Event:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if until_eof:
        loop.add_reader(sys.stdin.fileno(), lambda: _stop_at_end(stop))
    return stop


def _stop_at_end(stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 1):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()


def _announce(address: tuple[str, int], ready_file: Path | None) -> None:
    origin = f"http://{address[0]}:{address[1]}"
    ready = json.dumps({"base_url": f"{origin}/v1", "origin": origin, "pid": os.getpid()})
    if ready_file is not None:
        draft = ready_file.with_suffix(ready_file.suffix + ".new")
        draft.write_text(ready + "\n", encoding="utf-8")
        draft.replace(ready_file)
    print(ready, flush=True)


def main() -> None:
    """Run until stopped."""
    asyncio.run(serve(read_options()))


if __name__ == "__main__":
    main()
