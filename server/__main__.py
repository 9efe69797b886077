"""`python -m server`: reads the environment, says all that is wrong with it, serves, and heeds signals."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys

import structlog
import uvloop

from server.lifecycle import serve
from server.loglines import LogLines
from server.redaction import Redactor
from server.settings import Settings, SettingsError
from server.startup import StartupError
from server.telemetry import configure_logs
from workers.adapters.journal import MigrationError
from workers.catalog import ConfigError
from workers.model.failure import FailedError

log = structlog.get_logger()

UNUSABLE = 78  # EX_CONFIG


async def _until_signalled(settings: Settings) -> None:
    stop, hurry = asyncio.Event(), asyncio.Event()

    def signalled() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled)
    loop.add_signal_handler(signal.SIGHUP, lambda: log.info("configuration is read at the start only"))
    await serve(settings, stop, hurry)


def main() -> int:
    """Return the exit code: 0 after a stop, 78 when the service cannot start as it is set up, 1 otherwise."""
    try:
        settings = Settings.parse(os.environ)  # noqa: TID251 - where the environment enters
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 - there is no log yet
        return UNUSABLE
    lines = LogLines(sys.stderr.fileno())
    configure_logs(lines, settings.log_level, Redactor((settings.root_key, settings.journal_url)))
    # What is loaded by now stays for ever; collections need not look at it.
    gc.freeze()
    try:
        uvloop.run(_until_signalled(settings))
    except (StartupError, ConfigError, MigrationError) as error:
        print(f"the service cannot start:\n{error}", file=sys.stderr)  # noqa: T201 - for whoever started it
        return UNUSABLE
    except (FailedError, OSError) as error:
        print(f"the service cannot start: {error}", file=sys.stderr)  # noqa: T201 - likewise
        return 1
    finally:
        lines.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
