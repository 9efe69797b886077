"""The simulator as a process: ready when started, gone when stopped, and never left behind."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import aiohttp
import psutil
import pytest

from sandbox.openai.launch import Simulator
from sandbox.simulator import SimulatorFailedError
from tests.fakes.openai_caller import KEY, midnight

COMMAND = [sys.executable, "-m", "sandbox.openai"]
ROOT = Path(__file__).parents[4]


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    process = Simulator(KEY, seed=7, today=date(2026, 11, 20), faults=[{"kind": "status", "status": 429}])
    await process.start()
    yield process
    await process.stop()


async def statuses(simulator: Simulator, count: int) -> list[int]:
    url = f"{simulator.base_url}/organization/costs?start_time={midnight('2026-11-19')}"
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as session:
        return [(await session.get(url)).status for _ in range(count)]


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_a_started_simulator_answers_with_its_faults_first(simulator: Simulator) -> None:
    assert simulator.base_url == f"{simulator.origin}/v1"
    assert await statuses(simulator, 2) == [429, 200]


async def test_a_stopped_simulator_is_gone(simulator: Simulator) -> None:
    await simulator.stop()
    await simulator.stop()
    assert gone(simulator.pid)


async def test_stop_may_come_before_start() -> None:
    await Simulator(KEY).stop()


async def test_a_simulator_that_cannot_start_says_so() -> None:
    with pytest.raises(SimulatorFailedError, match="before it was ready"):
        await Simulator(KEY, scale=0).start()


async def test_the_key_is_not_on_the_command_line(simulator: Simulator) -> None:
    command = psutil.Process(simulator.pid).cmdline()
    assert "sandbox.openai" in command
    assert not any(KEY in argument for argument in command)


async def test_the_ready_file_is_written_and_the_process_ends_with_its_input(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        f"--ready-file={ready}",
        "--key=k",
        "--until-eof",
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    line = await process.stdout.readline()
    assert json.loads(ready.read_text(encoding="utf-8")) == json.loads(line)
    await process.communicate(b"")
    assert process.returncode == 0


@pytest.mark.parametrize("wrong", ["--faults={}", "--data=/nowhere.json", "--scale=0", "--today=soon"])
def test_a_wrong_option_is_a_usage_error(wrong: str) -> None:
    run = subprocess.run([*COMMAND, "--key=k", wrong], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert "usage:" in run.stderr
    assert "Traceback" not in run.stderr
