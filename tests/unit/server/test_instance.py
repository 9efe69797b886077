from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import pytest

from server import instance as module
from server.instance import instance


@pytest.fixture
def new_id() -> Callable[[], UUID]:
    numbers = itertools.count(1)
    return lambda: UUID(int=next(numbers) << 80)


def test_a_restart_has_the_name_of_its_former_self(tmp_path: Path, new_id: Callable[[], UUID]) -> None:
    with instance(tmp_path / "new/folder", new_id) as first:
        pass
    with instance(tmp_path / "new/folder", new_id) as second:
        assert second == first


def test_replicas_on_one_directory_have_different_names(tmp_path: Path, new_id: Callable[[], UUID]) -> None:
    with instance(tmp_path, new_id) as first, instance(tmp_path, new_id) as second:
        assert first != second
    with instance(tmp_path, new_id) as again:
        assert again == first


def test_a_name_that_is_free_again_is_taken_before_a_new_one_is_made(
    tmp_path: Path, new_id: Callable[[], UUID]
) -> None:
    with ExitStack() as others:
        first = others.enter_context(instance(tmp_path, new_id))
        others.enter_context(instance(tmp_path, new_id))
    with instance(tmp_path, new_id) as again:
        assert again == first


def test_the_name_of_a_process_that_was_killed_is_free(tmp_path: Path, new_id: Callable[[], UUID]) -> None:
    script = (
        "import os, signal, sys, uuid; from pathlib import Path; from server.instance import instance\n"
        "with instance(Path(sys.argv[1]), uuid.uuid4) as name:\n"
        "    print(name, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=False)
    with instance(tmp_path, new_id) as name:
        assert name == done.stdout.strip() != ""


def test_an_empty_file_of_a_crash_gets_a_name(tmp_path: Path, new_id: Callable[[], UUID]) -> None:
    (tmp_path / "replica-0").touch()
    with instance(tmp_path, new_id) as name:
        assert name.startswith("replica-")
        assert (tmp_path / "replica-0").read_text() == name


def test_more_replicas_than_a_directory_takes_are_refused(
    tmp_path: Path, new_id: Callable[[], UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_REPLICAS", 2)
    with (
        instance(tmp_path, new_id),
        instance(tmp_path, new_id),
        pytest.raises(Exception, match=r"DATA_DIR: 2 replicas use"),
        instance(tmp_path, new_id),
    ):
        pass
