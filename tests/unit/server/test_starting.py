"""`python -m server` on an environment that cannot work: everything that is wrong is told in one go."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

UNUSABLE = 78
NOWHERE = "postgresql://svc:hunter2@127.0.0.1:1/journal"


def start(folder: Path, **environ: str) -> tuple[int, list[str]]:
    """Start the service and return its exit code and the faults it told."""
    plain = {"PATH": os.environ["PATH"], "DATA_DIR": str(folder / "data"), "LOG_LEVEL": "ERROR"}
    done = subprocess.run(
        [sys.executable, "-m", "server"], env=plain | environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    return done.returncode, lines


def subjects(faults: list[str]) -> list[str]:
    assert faults[0] == "the service cannot start:"
    return [fault.partition(":")[0] for fault in faults[1:]]


def test_a_journal_that_is_away_is_a_fault_that_names_its_variable(tmp_path: Path) -> None:
    status, faults = start(tmp_path, JOURNAL_URL=NOWHERE)
    assert status == UNUSABLE
    assert faults[1:] == ["JOURNAL_URL: The journal is not available. (ConnectionRefusedError)"]


@pytest.mark.item("J144")
def test_faults_of_every_kind_are_told_together(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    status, faults = start(
        tmp_path, JOURNAL_URL=NOWHERE, GRPC_PORT="70000", ROLE="boss", FAILPOINTS="a=explode", EGRESS_ALLOW="nowhere"
    )
    assert status == UNUSABLE
    assert sorted(subjects(faults)) == ["DATA_DIR", "EGRESS_ALLOW", "FAILPOINTS", "GRPC_PORT", "JOURNAL_URL", "ROLE"]


def test_production_tells_its_own_faults_with_those_of_its_engines(tmp_path: Path) -> None:
    status, faults = start(tmp_path, ENVIRONMENT="production", JOURNAL_URL=NOWHERE, DISABLE_AUTH="maybe")
    assert status == UNUSABLE
    wanted = {"DISABLE_AUTH", "CA_ROOT_API_KEY", "CORS_ORIGINS", "GCP_PROJECT_ID", "KMS_KEY_NAME", "JOURNAL_URL"}
    assert wanted <= set(subjects(faults))
    assert len(faults) == len(set(subjects(faults))) + 1


def test_a_key_file_that_others_may_read_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "kms.key").write_bytes(b"k" * 32)
    (tmp_path / "data" / "kms.key").chmod(0o644)
    assert subjects(start(tmp_path, JOURNAL_URL=NOWHERE)[1]) == ["JOURNAL_URL", "KMS_KEY_NAME"]


@pytest.fixture
async def other_history(own_journal_url: str) -> str:
    connection = await asyncpg.connect(own_journal_url)
    await connection.execute("UPDATE migration SET checksum = 'another' WHERE version = 1")
    await connection.close()
    return own_journal_url


@pytest.mark.engine
def test_a_journal_of_another_history_is_a_fault(tmp_path: Path, other_history: str) -> None:
    status, faults = start(tmp_path, JOURNAL_URL=other_history)
    assert status == UNUSABLE
    assert re.fullmatch(r"JOURNAL_URL: migration 1 was applied in another form than its file has now", faults[1])


@pytest.mark.item("J142")
def test_a_service_without_outputs_says_nothing_and_ends_as_any_other(tmp_path: Path) -> None:
    command = f"exec {sys.executable} -m server <&- >&- 2>&-"
    plain = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path / "data")}
    done = subprocess.run(["sh", "-c", command], env=plain, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (UNUSABLE, b"", b"")


def test_nothing_is_opened_without_a_journal(tmp_path: Path) -> None:
    status, faults = start(tmp_path)
    assert (status, subjects(faults)) == (UNUSABLE, ["JOURNAL_URL"])
