"""Writes log lines to a file descriptor from a thread of its own: whoever logs never waits for who reads."""

from __future__ import annotations

import os
import queue
import threading

from prometheus_client import Counter

dropped = Counter("log_lines_dropped_total", "Log lines that nobody read in time")

_END: None = None
GATHER_SECONDS = 0.02
"""Lines are gathered for so long: waking the thread for each would cost the loop more than the line."""


class LogLines:
    """Holds at most `most` lines; more are dropped and counted, as are those that cannot be written."""

    def __init__(self, descriptor: int, most: int = 10_000) -> None:
        self._descriptor = descriptor
        self._most = most
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._write_on, name="log", daemon=True)
        self._thread.start()

    def put(self, line: str) -> None:
        """Take a line; never waits."""
        if self._lines.qsize() >= self._most:
            dropped.inc()
        else:
            self._lines.put(line)

    def close(self, seconds: float = 2.0) -> None:
        """Write what is held, for at most this long; a reader that is stuck does not hold up the exit."""
        self._closing.set()
        self._lines.put(_END)
        self._thread.join(seconds)

    def _write_on(self) -> None:
        ended = False
        while not ended:
            batch = [self._lines.get()]
            self._closing.wait(GATHER_SECONDS)
            while not self._lines.empty():
                batch.append(self._lines.get())
            ended = _END in batch
            lines = [line for line in batch if line is not None]
            try:
                _write("".join(f"{line}\n" for line in lines).encode(errors="replace"), self._descriptor)
            except OSError:
                dropped.inc(len(lines))


def _write(data: bytes, descriptor: int) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
