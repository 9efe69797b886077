"""What the sandbox is made of: a part is a server that starts, has a process, and stops."""

from __future__ import annotations

import errno
import random
import socket
from contextlib import suppress
from typing import Protocol

import psutil

# Below what Linux (32768) and macOS (49152) give to clients.
SERVED = range(20_000, 32_768)
TRIED = 100


class Part(Protocol):
    """One server. It may be started again after it was stopped or died, and keeps its address."""

    @property
    def pid(self) -> int:
        """Its process; 0 while there is none."""

    async def start(self) -> None:
        """Start it and return when it answers."""

    async def stop(self) -> None:
        """Stop it; stopping what does not run is fine."""


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return bool(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def free_port() -> int:
    """Return a TCP port of loopback that nobody has now, of those that no system gives to clients by itself.

    One that the system picks may be a client's end before the server to come has bound it. Raises OSError when none is
    found to be free.
    """
    for port in random.sample(SERVED, k=TRIED):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError(errno.EADDRINUSE, f"none of {TRIED} ports between {SERVED[0]} and {SERVED[-1]} is free")
