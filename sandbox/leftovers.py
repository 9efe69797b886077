"""Ends what a sandbox that was killed left running on its data directory; its record says which processes those are."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import psutil

PATIENCE_SECONDS = 10.0
# What only we can end; the others see that their starter is gone, and Postgres is ended by the next one on its data.
ORPHANS = ("service", "envoy")


def end_leftovers(record: Path) -> None:
    """Read the record and forget it; end each process it names that still belongs to the record's folder."""
    try:
        pids = dict(json.loads(record.read_text())["pids"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        pids = {}
    record.unlink(missing_ok=True)
    found = {name: process for name, pid in pids.items() if (process := _ours(pid, record.parent)) is not None}
    for name in ORPHANS:
        if name in found:
            found[name].kill()
    waited = [process for name, process in found.items() if name != "postgres"]
    _, left = psutil.wait_procs(waited, timeout=PATIENCE_SECONDS)
    for process in left:
        process.kill()


def _ours(pid: int, folder: Path) -> psutil.Process | None:
    """Return the process if it still works on the folder: numbers of processes are used again."""
    with contextlib.suppress(psutil.Error, ValueError):
        process = psutil.Process(pid)
        if str(folder) in " ".join(process.cmdline()) or process.environ().get("DATA_DIR") == str(folder):
            return process
    return None
