"""The emulator as a child process, for the sandbox and for tests.

Given a data directory; hands on its endpoints once it answers, and leaves nothing running.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from asyncio.subprocess import PIPE
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_POLL_SECONDS = 0.02
_LOG_TAIL_CHARACTERS = 4000


class EmulatorError(RuntimeError):
    """The emulator did not come up; the message ends with the tail of its log."""


class Emulator:
    """One emulator process: `rest` (http://…), `grpc` (host:port) and `pid` are set while it is started.

    `exit_code` is that of its last run. It may be started again, on the same data.

    `without` names repairs to leave out; `admit_readers` lets readers in between the statements of a script.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        rest_port: int = 0,
        grpc_port: int = 0,
        without: tuple[str, ...] = (),
        admit_readers: bool = False,
        start_seconds: float = 60,
    ) -> None:
        self.rest = self.grpc = ""
        self.pid = 0
        self.exit_code: int | None = None
        self.log = data_dir / "emulator.log"
        self._data_dir = data_dir
        self._ready_file = data_dir / "ready.json"
        self._start_seconds = start_seconds
        self._arguments = [f"--data-dir={data_dir}", f"--ready-file={self._ready_file}", "--stop-with-stdin"]
        self._arguments += [f"--rest-port={rest_port}", f"--grpc-port={grpc_port}"]
        self._arguments += ["--admit-readers-between-statements"] if admit_readers else []
        self._arguments += ["--without", *without] if without else []
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the process and return when it answers. EmulatorError when it does not."""
        self._data_dir.mkdir(parents=True, exist_ok=True)
        self._ready_file.unlink(missing_ok=True)
        with self.log.open("ab") as log:
            # Its input ends when we do, however that comes about; Ctrl-C in a terminal must reach us only.
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "sandbox.bigquery", *self._arguments),
                stdin=PIPE,
                stdout=log,
                stderr=log,
                process_group=0,
            )
        try:
            async with asyncio.timeout(self._start_seconds):
                await self._wait_until_ready(self._process)
        except BaseException as error:
            await self.stop()
            if isinstance(error, TimeoutError):
                raise EmulatorError(self._explain(f"not ready after {self._start_seconds} s")) from error
            raise
        self.pid = self._process.pid

    async def stop(self, grace_seconds: float = 10) -> None:
        """Stop it and wait until it is gone, by force past the grace. Stopping twice, or before a start, is fine."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(grace_seconds):
                await self._process.wait()
        except TimeoutError:
            await self.kill()
            return
        self.exit_code = self._process.returncode
        self._process = None
        self.pid = 0

    async def kill(self) -> None:
        """End it as a crash would (SIGKILL) and wait until it is gone."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self.exit_code = await self._process.wait()
            self._process = None
            self.pid = 0

    async def wait(self) -> int:
        """Return its exit code once it has ended by itself; EmulatorError when it is not started."""
        if self._process is None:
            raise EmulatorError("not started")
        return await self._process.wait()

    async def _wait_until_ready(self, process: asyncio.subprocess.Process) -> None:
        while not self._ready_file.exists():
            if process.returncode is not None:
                raise EmulatorError(self._explain(f"ended with exit code {process.returncode}"))
            await asyncio.sleep(_POLL_SECONDS)
        endpoints = json.loads(self._ready_file.read_text())
        self.rest, self.grpc = endpoints["rest"], endpoints["grpc"]

    def _explain(self, what: str) -> str:
        tail = self.log.read_text(errors="replace")[-_LOG_TAIL_CHARACTERS:] if self.log.exists() else ""
        return f"the BigQuery emulator did not come up: {what}\n{tail}"
