from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from sandbox.leftovers import end_leftovers


@contextmanager
def orphan(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that works on a data directory."""
    # It reads for ever rather than become a sleeper: while a process becomes another one it has no environment to read.
    command, environment = ["sh", "-c", "echo; read forever"], os.environ | {"DATA_DIR": str(folder)}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()  # it is what it says from here on
            yield process
        finally:
            process.kill()


def record(folder: Path, **pids: int) -> Path:
    path = folder / "sandbox.json"
    path.write_text(json.dumps({"pids": pids}))
    return path


def test_a_service_that_was_left_running_is_ended_and_the_record_forgotten(tmp_path: Path) -> None:
    with orphan(tmp_path) as left:
        kept = record(tmp_path, service=left.pid)
        end_leftovers(kept)
        assert not psutil.pid_exists(left.pid)
        assert not kept.exists()


def test_a_process_of_another_folder_under_a_recorded_number_lives_on(tmp_path: Path) -> None:
    with orphan(tmp_path / "another") as stranger:
        end_leftovers(record(tmp_path, service=stranger.pid))
        assert stranger.poll() is None


def test_a_folder_without_a_record_or_with_a_torn_one_has_no_leftovers(tmp_path: Path) -> None:
    end_leftovers(tmp_path / "sandbox.json")
    torn = tmp_path / "sandbox.json"
    torn.write_text('{"pids": {"serv')
    end_leftovers(torn)
    assert not torn.exists()
