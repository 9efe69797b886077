"""Serves a simulated provider until it is stopped, and says where once its port is open."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from aiohttp import web

_SHUTDOWN_SECONDS = 1.0


def add_options(parser: ArgumentParser) -> None:
    """Add what every simulator is told: where to listen, how to say so, when to stop, and its faults."""
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--ready-file", type=Path, help="written when the port is open: base_url, origin, pid")
    parser.add_argument("--faults", default="[]", help="fault rules as a JSON list")
    parser.add_argument("--until-eof", action="store_true", help="stop when standard input ends")


async def serve(application: web.Application, options: Namespace, path: str = "") -> None:
    """Serve until a signal or, when asked to, the end of standard input; the provider answers below `path`."""
    runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        stop = _stop_event(until_eof=options.until_eof)
        site = web.TCPSite(runner, options.host, options.port)
        await site.start()
        _announce(runner.addresses[0], path, options.ready_file)
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


def _announce(address: tuple[str, int], path: str, ready_file: Path | None) -> None:
    origin = f"http://{address[0]}:{address[1]}"
    ready = json.dumps({"base_url": f"{origin}{path}", "origin": origin, "pid": os.getpid()})
    if ready_file is not None:
        draft = ready_file.with_suffix(ready_file.suffix + ".new")
        draft.write_text(ready + "\n", encoding="utf-8")
        draft.replace(ready_file)
    print(ready, flush=True)
