"""What is installed is what is pinned, nothing chosen by pip; so the pins must be all that is asked for."""

from __future__ import annotations

import subprocess
import sys


def test_the_pins_are_complete() -> None:
    check = (sys.executable, "-m", "pip", "--disable-pip-version-check", "check")
    done = subprocess.run(check, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout
