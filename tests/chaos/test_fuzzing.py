"""The fuzzing of the suite, for minutes instead of seconds, with examples that the seed chooses."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from tests.chaos.seed import SEED

ROOT = Path(__file__).parents[2]
FUZZED = ("tests/e2e/stack/fuzz", "tests/unit/catalog/test_spoiled.py")
# Hypothesis finds the making of these unsteady once there are many examples; the suite tries a few of each.
UNSTEADY = "not test_any_call and not test_what_the_rules_allow"
MINUTES = 40


async def test_no_input_that_is_tried_for_minutes_breaks_a_promise(tmp_path: Path) -> None:
    options = ("-q", "-k", UNSTEADY, f"--basetemp={tmp_path / 'suite'}", f"--hypothesis-seed={SEED}", *FUZZED)
    environment = os.environ | {"FUZZ": "long"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", *options), cwd=ROOT, env=environment, stdout=PIPE
    )
    try:
        async with asyncio.timeout(MINUTES * 60):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
    assert process.returncode == 0, said.decode()[-20_000:]
