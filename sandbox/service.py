"""The service itself as a child process: given its environment, runs `python -m server`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from attrs import define, field

STOP_SECONDS = 20.0
POLL_SECONDS = 0.05


class ServiceFailedError(RuntimeError):
    """The service ended before it was ready; the text ends with what it said."""


@define(eq=False)
class Service:
    """One replica; `environment` is all it is told. It is ready once its metrics port answers."""

    environment: Mapping[str, str]
    log: Path
    start_seconds: float = 30.0
    _process: asyncio.subprocess.Process | None = field(default=None, init=False)
    _begins: int = field(default=0, init=False)

    @property
    def pid(self) -> int:
        """Its process; 0 while there is none."""
        return self._process.pid if self._process and self._process.returncode is None else 0

    @property
    def exit_code(self) -> int | None:
        """How its last process ended (minus a signal's number); None while it runs and before it ever did."""
        return self._process.returncode if self._process else None

    async def start(self) -> None:
        """Start it and wait until it serves; raises ServiceFailedError with its last lines."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._begins = log.tell()
            self._process = process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "server", env=dict(self.environment), stdout=log, stderr=log, process_group=0
            )  # Ctrl-C in a terminal must reach the sandbox only, which stops its parts in order
        try:
            async with asyncio.timeout(self.start_seconds):
                while not await self._answers():
                    if process.returncode is not None:
                        raise ServiceFailedError(self._explain(f"ended with exit code {process.returncode}"))
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            await self.stop()
            raise ServiceFailedError(self._explain("was not ready in time")) from None

    async def stop(self) -> None:
        """Ask it to stop and wait; by force when it takes too long."""
        if self._process is None or self._process.returncode is not None:
            return
        self._send(self._process.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._send(self._process.pid, signal.SIGKILL)
            await self._process.wait()

    @staticmethod
    def _send(pid: int, sent: signal.Signals) -> None:
        # Not by the process' own methods: these reap one that has just died, and its exit code is lost (255 instead).
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sent)

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", int(self.environment["METRICS_PORT"]))
        except OSError:
            return False
        writer.close()
        return True

    def _explain(self, what: str) -> str:
        lines = self.log.read_bytes()[self._begins :].decode(errors="replace").splitlines()
        # What it says to whoever starts it is plain text; its log, in JSON, is for when there is none.
        said = "\n".join([line for line in lines if not line.startswith("{")] or lines)
        return f"the service {what}\n{said[-4000:]}"
