"""What the sandbox is made of: a part is a server that starts, has a process, and stops."""

from __future__ import annotations

import socket
from typing import Protocol

import psutil


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
    """Return a TCP port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
