"""`python -m server`: reads the environment, says all that is wrong with it, serves, and heeds signals."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from typing import NoReturn

import structlog
import uvloop

from server.lifecycle import leave, serve
from server.loglines import LogLines
from server.redaction import Redactor
from server.settings import Settings
from server.startup import StartupError
from server.telemetry import configure_logs
from workers.model.failure import FailedError

log = structlog.get_logger()

UNUSABLE = 78  # EX_CONFIG
BROKEN = 70  # EX_SOFTWARE
COLLECT_AFTER = (10_000, 20, 20)  # objects more than went, then collections of the younger


STDERR = 2


def _hold_descriptors() -> None:
    """Open what the parent closed of the first three: else the next socket is what anybody prints to."""
    for descriptor in range(STDERR + 1):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest that is free, which is this one


async def _until_signalled(settings: Settings, faults: tuple[str, ...], lines: LogLines) -> NoReturn:
    stop, hurry = asyncio.Event(), asyncio.Event()

    def signalled() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled)
    loop.add_signal_handler(signal.SIGHUP, lambda: log.info("configuration is read at the start only"))
    status = BROKEN if await serve(settings, stop, hurry, faults) else 0
    await leave(lines.close, status)


def main() -> int:
    """Serve until told to stop, and leave; return the exit code where serving could not begin.

    It leaves with 0 after a stop, and with 70 when an essential part kept dying and it should be started again; 78 is
    returned when the service cannot start as it is set up, 1 when it cannot start otherwise.
    """
    _hold_descriptors()
    settings, faults = Settings.read(os.environ)  # noqa: TID251 - where the environment enters
    lines = LogLines(STDERR)
    configure_logs(lines, settings.log_level, Redactor((settings.root_key, settings.journal_url)))
    # What is loaded by now stays for ever; collections need not look at it, nor come every few calls.
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    try:
        uvloop.run(_until_signalled(settings, faults, lines))
    except StartupError as error:
        print(f"the service cannot start:\n{error}", file=sys.stderr)  # noqa: T201 - for whoever started it
        return UNUSABLE
    except (FailedError, OSError) as error:
        print(f"the service cannot start: {error}", file=sys.stderr)  # noqa: T201 - likewise
        return 1
    finally:
        lines.close()


if __name__ == "__main__":
    sys.exit(main())
