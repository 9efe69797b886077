"""The name of this replica in the journal: kept in the data directory, so that a restart knows its former self."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from server.startup import StartupError

MOST_REPLICAS = 64


@contextmanager
def instance(folder: Path, new_id: Callable[[], UUID]) -> Iterator[str]:
    """Hold a name that nobody else on this data directory holds: the first kept one that is free, or a new one.

    The lock goes with the process, however it ends. Raises StartupError when too many others hold one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(MOST_REPLICAS):
        descriptor = os.open(folder / f"replica-{number}", os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            name = file.read().strip()
            if not name:
                name = f"replica-{new_id().hex[:12]}"
                file.write(name)
                file.flush()
                os.fsync(file.fileno())
            yield name
            return
    raise StartupError((f"DATA_DIR: {MOST_REPLICAS} replicas use {folder} already",))
