"""A test beside which a secret is told fails, however it was told, and no other does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TOLD = """
import base64, logging, os, sys

import pytest

KEY = "acme_canary0123456789abcdef"

def test_of_nothing(): print("nothing")
def test_printed(): print("the key is", KEY)
def test_to_errors(): print(KEY.encode().hex(), file=sys.stderr)
def test_logged(): logging.getLogger("service").warning("bad key %s", base64.b64encode(KEY.encode()).decode())
def test_by_a_process(): os.system(f"echo {KEY} >&2")

@pytest.fixture
def late():
    yield
    print(KEY)

def test_afterwards(late): pass
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return what a run of those tests ends with."""
    file = tmp_path_factory.mktemp("told") / "test_told.py"
    file.write_text(TOLD)
    options = ("-p", "tests.plugins.captured", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(file.parent))
    command = (sys.executable, "-m", "pytest", "-vv", "--no-header", *options, str(file))
    return subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, check=False).stdout


@pytest.mark.parametrize("name", ["printed", "to_errors", "logged", "by_a_process"])
def test_a_secret_that_a_test_tells_fails_it(outcome: str, name: str) -> None:
    assert f"::test_{name} FAILED" in outcome
    assert f"::test_{name} told a secret" in outcome


def test_one_that_is_told_when_it_is_taken_down_does_too(outcome: str) -> None:
    assert "::test_afterwards ERROR" in outcome


def test_nothing_else_fails(outcome: str) -> None:
    assert "::test_of_nothing PASSED" in outcome
    assert "4 failed, 2 passed, 1 error" in outcome
