"""A test that hangs fails by name and shows where; the others go on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
HANGING = """
import asyncio

async def test_waiting():
    await asyncio.Event().wait()

async def test_after(): pass
"""
BLOCKING = """
import time

def test_blocking():
    time.sleep(60)
"""


def outcome(file: Path, tests: str, seconds: float) -> subprocess.CompletedProcess[str]:
    file.write_text(tests)
    timeouts = ("-p", "tests.plugins.timeouts", "-o", f"faulthandler_timeout={seconds}")
    options = ("-c", str(ROOT / "pyproject.toml"), "--rootdir", str(file.parent), "-vv", *timeouts)
    command = (sys.executable, "-m", "pytest", *options, str(file))
    return subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


def test_a_coroutine_is_cancelled_where_it_waits_and_the_next_test_runs(tmp_path: Path) -> None:
    said = outcome(tmp_path / "test_hanging.py", HANGING, 5)
    assert "await asyncio.Event().wait()" in said.stdout
    assert "TimeoutError" in said.stdout
    assert "1 failed, 1 passed" in said.stdout


def test_what_blocks_ends_the_process_with_its_stack(tmp_path: Path) -> None:
    said = outcome(tmp_path / "test_blocking.py", BLOCKING, 1)
    assert said.returncode == 1
    assert "in test_blocking" in said.stdout
