"""Log lines are JSON, go out beside the loop, and are dropped rather than waited for."""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from server.loglines import LogLines, dropped
from server.redaction import Redactor
from server.telemetry import configure_logs
from workers.model.secret import Secret

Written = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def written() -> Iterator[Written]:
    """Configure logging into a pipe; calling it closes the log and reads what came."""
    reader, writer = os.pipe()
    lines = LogLines(writer)
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    configure_logs(lines, "INFO", Redactor([Secret("known-secret-value")]), settled=False)

    def read() -> list[dict[str, Any]]:
        lines.close()
        os.close(writer)
        with os.fdopen(reader) as stream:
            return [json.loads(line) for line in stream]

    yield read
    structlog.configure(**before)
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level = handlers, level


def test_an_event_is_one_json_line_with_time_and_level(written: Written) -> None:
    structlog.get_logger().info("rpc", code="OK", nothing=None, ms=1.5)
    structlog.get_logger().debug("not shown")
    (line,) = written()
    assert (line["event"], line["level"], line["code"], line["ms"]) == ("rpc", "info", "OK", 1.5)
    assert line["timestamp"].endswith("Z")
    assert "nothing" not in line


def test_control_characters_cannot_forge_a_line(written: Written) -> None:
    structlog.get_logger().info("x", text='a\n{"event": "forged"}\u202e\x1b[31m')
    (line,) = written()
    assert line["event"] == "x"


def test_a_traceback_is_kept_and_its_secrets_are_not(written: Written) -> None:
    try:
        dict[str, str]()["sk-verysecret123 known-secret-value"]
    except KeyError:
        structlog.get_logger().exception("failed")
    (line,) = written()
    assert "KeyError" in line["exception"]
    assert not any(secret in repr(line) for secret in ("verysecret", "known-secret"))


def test_other_libraries_take_the_same_way(written: Written) -> None:
    logging.getLogger("some.library").warning("call to %s failed", "https://x/?api_key=topsecret")
    logging.getLogger("some.library").info("not shown")
    broken = {"name": "some.library", "levelno": logging.ERROR, "msg": "broken %d", "args": ("format",)}
    bridge = next(one for one in logging.getLogger().handlers if type(one).__module__ == "server.telemetry")
    bridge.emit(logging.makeLogRecord(broken))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", stacklevel=1)
    lines = written()
    assert [line["logger"] for line in lines] == ["some.library", "some.library", "py.warnings"]
    assert lines[0]["message"] == "call to https://x/?api_key=*** failed"


@pytest.mark.fault("F66")
def test_a_reader_that_is_stuck_costs_lines_and_no_time() -> None:
    reader, writer = os.pipe()
    lines, before = LogLines(writer, most=50), dropped._value.get()
    for _ in range(1000):
        lines.put("x" * 10_000)
    assert dropped._value.get() - before >= 900
    lines.close(seconds=0.05)
    os.close(reader)  # the writer comes free and counts what it held, which must not fall into the next test
    lines.close()
    os.close(writer)


@pytest.mark.fault("F66")
def test_a_closed_output_is_survived_and_counted() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    lines, before = LogLines(writer), dropped._value.get()
    lines.put("nobody reads this")
    lines.close()
    os.close(writer)
    assert dropped._value.get() == before + 1
