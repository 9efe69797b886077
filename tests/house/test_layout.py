"""The house: what may stand where, how large it may be, and what it may be called."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOP = {
    ".ci",
    ".dockerignore",
    ".gitignore",
    "Dockerfile",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "buf.yaml",
    "configs",
    "docs",
    "envoy",
    "proto",
    "pyproject.toml",
    "requirements",
    "sandbox",
    "server",
    "tests",
    "tools",
    "workers",
}
EMPTY_NAMES = re.compile(r"^(utils?|helpers?|common|base|core|manager|handler|misc|impl)(_|\.|$)")
LONGEST_FILE = 300
README_LINES = 200
ADDRESSES = re.compile(r"://|^--(index|extra|find|trusted)", re.MULTILINE)


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / line for line in listed.splitlines() if (ROOT / line).is_file()]


def sources() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py" and "gen" not in path.parts]


def test_the_top_level_is_what_was_agreed() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in tracked()} <= TOP


def test_no_source_file_is_longer_than_a_reader_can_hold() -> None:
    long = {str(path.relative_to(ROOT)): lines for path in sources() if (lines := _lines(path)) > LONGEST_FILE}
    assert long == {}


def test_no_path_has_a_name_that_says_nothing() -> None:
    parts = {part for path in tracked() for part in path.relative_to(ROOT).parts}
    assert [part for part in sorted(parts) if EMPTY_NAMES.match(part)] == []


def test_proto_is_never_a_python_package() -> None:
    assert not (ROOT / "proto" / "__init__.py").exists()


def test_pins_have_hashes_and_no_addresses() -> None:
    for path in (ROOT / "requirements").iterdir():
        text = path.read_text()
        assert "--hash=sha256:" in text
        assert not ADDRESSES.search(text), path.name


@pytest.mark.parametrize("folder", ["server", "workers"])
def test_sql_stands_in_sql_files(folder: str) -> None:
    statement = re.compile(r"[\"'](?:SELECT|INSERT INTO|UPDATE|DELETE FROM|MERGE|CREATE TABLE|ALTER TABLE)\s")
    guilty = [
        str(path.relative_to(ROOT)) for path in (ROOT / folder).rglob("*.py") if statement.search(path.read_text())
    ]
    assert guilty == []


def test_tasks_are_started_by_the_supervisor_only() -> None:
    guilty = [
        str(path.relative_to(ROOT))
        for folder in ("server", "workers")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"\b(create_task|ensure_future)\(", path.read_text()) and path.name != "supervisor.py"
    ]
    assert guilty == []


def test_the_readme_can_be_read_in_one_sitting() -> None:
    assert _lines(ROOT / "README.md") <= README_LINES


def _lines(path: Path) -> int:
    return path.read_text().count("\n")
