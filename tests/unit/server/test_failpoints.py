from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from server.failpoints import FailpointError, arm


def test_nothing_armed_does_nothing() -> None:
    arm([])("accept.after_commit")


def test_only_the_named_place_fails() -> None:
    failpoint = arm([("accept.after_commit", "fail")])
    failpoint("accept.before_commit")
    with pytest.raises(FailpointError, match=r"accept\.after_commit"):
        failpoint("accept.after_commit")


def test_a_lost_connection_is_raised_as_one() -> None:
    with pytest.raises(ConnectionResetError):
        arm([("claim.after_commit", "lose")])("claim.after_commit")


def test_a_counted_failpoint_acts_at_that_time_only() -> None:
    failpoint = arm([("claim.after", "fail*3")])
    outcomes = []
    for _ in range(5):
        try:
            failpoint("claim.after")
        except FailpointError:
            outcomes.append("failed")
        else:
            outcomes.append("passed")
    assert outcomes == ["passed", "passed", "failed", "passed", "passed"]


def test_a_hang_blocks_the_process() -> None:
    began = time.monotonic()
    arm([("x", "hang:0.05")])("x")
    assert time.monotonic() - began >= 0.05


def test_a_kill_ends_the_process_as_kill_9_does() -> None:
    script = "from server.failpoints import arm; arm([('x', 'kill')])('x')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("action", ["", "explode", "hang", "hang:soon", "fail*", "fail*0", "fail*x", "fail*-1"])
def test_an_action_that_does_not_exist_is_named(action: str) -> None:
    with pytest.raises(ValueError, match=r"FAILPOINTS: claim\.after"):
        arm([("claim.after", action)])
