"""`python -m sandbox run` as a person uses it: with another provider, stopped by Ctrl-C, killed, and started again."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from attrs import frozen

from tests.fakes.fixture_provider import FixtureProvider
from tests.fakes.org_client import EXTRACT, OrgClient
from tests.fakes.rest_client import RestClient
from tests.fakes.until import until
from tests.plugins.sandbox import environment

KEY = "sk-admin-given-by-the-environment"


@frozen
class Started:
    """A sandbox that was started from a shell, and what it said until it was ready."""

    process: asyncio.subprocess.Process
    manifest: dict[str, Any]
    said: str
    org: OrgClient

    @property
    def processes(self) -> list[psutil.Process]:
        return [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]


@asynccontextmanager
async def started(folder: Path, **changed: str) -> AsyncIterator[Started]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox", "run", "--free-ports"),
        env=environment(DATA_DIR=str(folder), **changed),
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    said = ""
    async with asyncio.timeout(60), aiohttp.ClientSession(trust_env=False) as session:
        while "Ctrl-C stops everything" not in said:
            line = await process.stdout.readline()
            assert line, f"ended with {await process.wait()}: {said}"
            said += line.decode()
        manifest = json.loads((folder / "sandbox.json").read_text())
        acme = manifest["orgs"][0]
        yield Started(
            process, manifest, said, OrgClient("acme", acme["api_key"], RestClient(manifest["rest"], session))
        )


async def gone(processes: list[psutil.Process]) -> None:
    _, left = await asyncio.to_thread(psutil.wait_procs, processes, timeout=15)
    assert left == []


async def test_another_provider_is_used_state_survives_and_nothing_is_left_behind(tmp_path: Path) -> None:
    async with FixtureProvider(KEY) as provider:
        given = {
            "OPENAI_BASE_URL": provider.base_url,
            "SANDBOX_OPENAI_KEY": KEY,
            "ANTHROPIC_BASE_URL": provider.base_url,
            "GCP_API_BASE_URL": provider.base_url,
        }
        async with started(tmp_path, **given) as first:
            assert first.manifest["pids"].keys() == {"postgres", "bigquery", "service", "envoy"}
            run = await first.org.done(EXTRACT, date="2025-11-01")
            assert run["status"] == "COMPLETED", run
            assert "2025-11-01 /v1/organization/usage/completions" in provider.asked
            await another_service(tmp_path, first)
            orphans = first.processes
            first.process.kill()
        async with started(tmp_path, **given) as second:
            await gone(orphans)
            assert second.org.key == first.org.key
            assert await second.org.run(run["run_id"]) == run
            processes = second.processes
            assert len(processes) > 4
            # a terminal sends Ctrl-C to the whole foreground group, and a person presses it twice
            os.killpg(second.process.pid, signal.SIGINT)
            os.killpg(second.process.pid, signal.SIGINT)
            assert await second.process.wait() == 0
            await gone(processes)
            assert not (tmp_path / "sandbox.json").exists()


async def another_service(folder: Path, sandbox: Started) -> None:
    """The environment that was printed starts the service alone, on ports of its own."""
    exports = dict(re.findall(r"^  export ([A-Z_]+)=(.*)$", sandbox.said, re.MULTILINE))
    exports = {name: shlex.split(value)[0] for name, value in exports.items() if not name.startswith("PIPELINES_")}
    alone = await service(environment(**exports | {"GRPC_PORT": "0", "METRICS_PORT": "0"}), folder / "alone.log")

    async def serves() -> bool:
        return '"event": "serving"' in (folder / "alone.log").read_text()

    await until(serves, 20)
    alone.terminate()
    assert await alone.wait() == 0


async def service(environ: dict[str, str], log: Path) -> asyncio.subprocess.Process:
    with log.open("wb") as said:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "server", env=environ, stdout=said, stderr=said
        )
