"""The emulator's process: repair it, serve on loopback, say where, stop on a signal.

Given the options of the command line; hands on a ready file and the tables kept in the data directory.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import attrs
from bqemulator.config import LogLevel, PersistenceMode, Settings
from bqemulator.server import EmulatorServer

from sandbox.bigquery.admit_readers import admit_readers
from sandbox.bigquery.parse_once import parse_once
from sandbox.bigquery.repairs import apply_repairs
from sandbox.bigquery.versions import check_versions

_HOST = "127.0.0.1"


@attrs.frozen
class Options:
    """What one run of the emulator is told."""

    data_dir: Path
    ready_file: Path
    rest_port: int = 0
    grpc_port: int = 0
    without: tuple[str, ...] = ()
    admit_readers: bool = False
    stop_with_stdin: bool = False
    log_level: str = "warning"


def serve(options: Options) -> None:
    """Serve until SIGTERM or SIGINT. WrongVersionError when the engines are not those the repairs are for."""
    check_versions()
    parse_once()
    apply_repairs(options.without)
    if options.admit_readers:
        admit_readers()
    asyncio.run(_serve(options))


async def _serve(options: Options) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    if options.stop_with_stdin:
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _stop_at_end, stop)
    server = EmulatorServer(_settings(options))
    await server.start()
    try:
        _announce(options.ready_file, server)
        await stop.wait()
    finally:
        options.ready_file.unlink(missing_ok=True)
        await server.stop()


def _stop_at_end(stop: asyncio.Event) -> None:
    """Nothing is ever written to us: input that can be read has ended, and so has the process at its other end."""
    asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
    stop.set()


def _settings(options: Options) -> Settings:
    return Settings(
        rest_host=_HOST,
        rest_port=options.rest_port,
        grpc_host=_HOST,
        grpc_port=options.grpc_port,
        persistence_mode=PersistenceMode.PERSISTENT,
        data_dir=options.data_dir,
        upload_staging_dir=options.data_dir / "uploads",
        enable_format_extensions=False,
        log_level=LogLevel(options.log_level),
        metrics_enabled=False,
        tracing_enabled=False,
        otlp_endpoint=None,
    )


def _announce(ready_file: Path, server: EmulatorServer) -> None:
    """Write the ready file whole: whoever sees it can read it."""
    draft = ready_file.with_suffix(".draft")
    draft.write_text(json.dumps({"rest": server.rest_url, "grpc": server.grpc_endpoint, "pid": os.getpid()}))
    draft.replace(ready_file)
