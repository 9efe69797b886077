"""Watches the event loop from a thread: measures its lag, shows the stack of what blocks it, tells when it is sick."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from prometheus_client import Counter, Gauge

log = structlog.get_logger()
lag = Gauge("loop_lag_seconds", "How late the event loop came to a call that was due")
tasks = Gauge("loop_tasks", "Tasks of the event loop")
blocked = Counter("loop_blocked_total", "Times the event loop did not turn for a quarter of a second")

TICK = 0.05
LOUD = 0.25
SICK = 5.0


class Watchdog:
    """`sick` turns true once the loop has stood still for 5 s, until it has turned in time again.

    `loud` is how long it may stand still before its stack is shown, in seconds.
    """

    def __init__(self, *, loud: float = LOUD, sick_after: float = SICK) -> None:
        self.sick = False
        self._loud = loud
        self._sick_after = sick_after
        self._turned = time.monotonic()
        self._loop_thread = threading.get_ident()
        self._stop = threading.Event()

    @contextmanager
    def watching(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """Watch the loop that runs in the calling thread."""
        self._loop_thread = threading.get_ident()
        tasks.set_function(lambda: len(asyncio.all_tasks(loop)))
        self._tick(loop, loop.time())
        thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def _tick(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        late = max(0.0, loop.time() - due)
        lag.set(late)
        if late < self._loud:
            self.sick = False
        self._turned = time.monotonic()
        if not self._stop.is_set():
            loop.call_later(TICK, self._tick, loop, loop.time() + TICK)

    def _watch(self) -> None:
        told = 0.0
        while not self._stop.wait(TICK):
            still = time.monotonic() - self._turned
            if still >= self._sick_after:
                self.sick = True
            if still >= self._loud and self._turned != told:
                told = self._turned
                blocked.inc()
                log.warning("event loop blocked", seconds=round(still, 3), stack=self._stack())

    def _stack(self) -> str:
        frame = sys._current_frames().get(self._loop_thread)  # noqa: SLF001 - the documented way to another thread's stack
        return "".join(traceback.format_stack(frame, limit=12)) if frame else ""
