"""The fuzzing of the suite, for minutes instead of seconds and with other examples every time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FUZZED = ("tests/e2e/stack/fuzz", "tests/unit/catalog/test_spoiled.py")
MINUTES = 40


def test_no_input_that_is_tried_for_minutes_breaks_a_promise(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", f"--basetemp={tmp_path / 'suite'}", *FUZZED]
    environment = os.environ | {"FUZZ": "long"}
    done = subprocess.run(
        command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=MINUTES * 60
    )
    assert done.returncode == 0, done.stdout[-20_000:]
