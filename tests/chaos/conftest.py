"""One arena for the session; what every fault cost, or where it is shown, is printed at its end and decides it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.chaos.arena import Arena
from tests.chaos.opening import opened
from tests.chaos.report import Record
from tests.chaos.seed import SEED
from tests.chaos.toll import Toll

HERE = Path(__file__).parent
SHORT = bool(os.environ.get("SHORT"))
RECORD = pytest.StashKey[Record]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin a record."""
    config.stash[RECORD] = Record()


def pytest_report_header() -> str:
    """Say what the dice are rolled with."""
    return f"SEED={SEED}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep only what is marked as short with SHORT=1; other folders are not this one's business."""
    long = [item for item in items if item.path.is_relative_to(HERE) and item.get_closest_marker("short") is None]
    if SHORT and long:
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note what became of every test that is marked with a row of the matrix."""
    report = yield
    if report.when == "call" or report.failed:
        record = item.config.stash[RECORD]
        record.note([*names(item, "fault"), *names(item, "promise")], item.name, passed=report.passed)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let nothing that was lost, doubled or leaked pass, whether a test asked for it or not."""
    if session.config.stash[RECORD].violated and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what was seen."""
    terminalreporter.write_line(config.stash[RECORD].text())


def names(item: pytest.Item, kind: str) -> tuple[str, ...]:
    """Return what a test is marked with, in the order in which it stands there."""
    return tuple(dict.fromkeys(str(name) for mark in item.iter_markers(kind) for name in mark.args))


@pytest.fixture
def tolls(pytestconfig: pytest.Config) -> list[Toll]:
    """Where a scenario without the arena writes down what it cost."""
    return pytestconfig.stash[RECORD].tolls


@pytest_asyncio.fixture(scope="session")
async def whole_arena(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> AsyncIterator[Arena]:
    async with opened(tmp_path_factory.mktemp("arena")) as arena:
        arena.tolls = pytestconfig.stash[RECORD].tolls
        yield arena


@pytest_asyncio.fixture
async def arena(whole_arena: Arena, request: pytest.FixtureRequest) -> AsyncIterator[Arena]:
    await whole_arena.ready()
    whole_arena.faults = names(request.node, "fault")
    yield whole_arena
    whole_arena.open_gates()
    await whole_arena.running.faults()
