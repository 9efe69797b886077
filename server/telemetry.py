"""Logs as JSON lines without secrets, written beside the loop; other libraries' logs take the same way.

`configure_logs` is called once by whoever composes the process; traces are in tracing.py.
"""

from __future__ import annotations

import logging
from typing import Any, cast

import structlog

from server.loglines import LogLines
from server.redaction import Redactor

LONGEST_FOREIGN = 2000


def configure_logs(lines: LogLines, level: str, redactor: Redactor, *, settled: bool = True) -> None:
    """Send structlog's and logging's events to `lines`.

    `settled` loggers keep this configuration for good, which makes them faster; tests change it again.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _without_nothing,
            redactor.fields,
            structlog.processors.JSONRenderer(ensure_ascii=True),
            cast("Any", redactor.line),  # structlog's types end at the renderer
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=lambda *_: _Writer(lines),
        cache_logger_on_first_use=settled,
    )
    bridge = _Bridge(max(logging.WARNING, logging.getLevelNamesMapping()[level]))
    logging.basicConfig(handlers=[bridge], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)


def _without_nothing(_logger: Any, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {name: value for name, value in event.items() if value is not None}


class _Writer:
    """The end of structlog's way."""

    def __init__(self, lines: LogLines) -> None:
        self.debug = self.info = self.warning = self.error = self.critical = self.exception = lines.put


class _Bridge(logging.Handler):
    """Takes records of other libraries; one that cannot be rendered is not worth a failure."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()[:LONGEST_FOREIGN]
        except (TypeError, ValueError):
            message = str(record.msg)[:LONGEST_FOREIGN]
        level = "error" if record.levelno >= logging.ERROR else "warning"
        say = getattr(structlog.get_logger(), level)
        say("library", message=message, logger=record.name, exc_info=record.exc_info)
