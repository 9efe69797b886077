"""Starts and stops a simulated provider as a process of its own.

`start` returns when the port is open; `stop` returns when the process is gone, may come first, and twice. A simulator
whose starter dies ends by itself: it reads its standard input to the end.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_READY_SECONDS = 20.0
_STOP_SECONDS = 5.0
_ROOT = Path(__file__).parents[1]


class SimulatorFailedError(RuntimeError):
    """The simulator ended or stayed silent before its port was open; it says why on standard error."""


class SimulatorProcess:
    """One simulator: `python -m MODULE` with secrets in its environment; `origin` has the doors of `sandbox.serving`.

    `base_url` is the origin with the path below which the provider answers.
    """

    def __init__(self, module: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command = (sys.executable, "-m", module, "--until-eof", *arguments)
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self.base_url = ""
        self.origin = ""
        self.pid = 0

    async def start(self) -> None:
        """Start the process and wait for its port; raises SimulatorFailedError."""
        self._process = process = await asyncio.create_subprocess_exec(
            *self._command,
            cwd=_ROOT,
            env={**os.environ, **self._environment},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            ready = json.loads(await _first_line(process))
        except BaseException:
            await self.stop()
            raise
        self.base_url, self.origin, self.pid = ready["base_url"], ready["origin"], ready["pid"]

    async def stop(self) -> None:
        """Stop the process and wait until it is gone."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.communicate()
        except TimeoutError:
            process.kill()
            await process.communicate()

    async def wait(self) -> int:
        """Wait until the process ends by itself; return its exit code."""
        if self._process is None:
            raise SimulatorFailedError("the simulator was not started")
        return await self._process.wait()


async def _first_line(process: asyncio.subprocess.Process) -> bytes:
    if process.stdout is None:
        raise SimulatorFailedError("the simulator has no standard output")
    try:
        async with asyncio.timeout(_READY_SECONDS):
            line = await process.stdout.readline()
    except TimeoutError as silent:
        raise SimulatorFailedError(f"the simulator was not ready within {_READY_SECONDS} s") from silent
    if not line:
        raise SimulatorFailedError(f"the simulator ended with code {await process.wait()} before it was ready")
    return line
