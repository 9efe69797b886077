"""The sandbox in an environment that is set already, and in one in which it cannot start."""

from __future__ import annotations

import asyncio
import fcntl
import re
import shlex
import signal
import sys
from pathlib import Path

from tests.e2e.sandbox.test_command import started
from tests.fakes.rest_client import RUN
from tests.plugins.sandbox import environment

CONSOLE, ADMIN = "https://console.example.com", "https://admin.example.com"


async def test_what_the_caller_had_set_is_heeded_or_told_anew(tmp_path: Path) -> None:
    given = {"CORS_ORIGINS": f"{CONSOLE}, {ADMIN}", "GCP_PROJECT_ID": "elsewhere", "HOST": "127.0.0.1"}
    async with started(tmp_path, **given) as sandbox:
        exports = dict(re.findall(r"^  export ([A-Z_]+)=(.*)$", sandbox.said, re.MULTILINE))
        assert shlex.split(exports["GCP_PROJECT_ID"]) != ["elsewhere"]
        assert exports["HOST"] == "127.0.0.1"
        assert {"ENVIRONMENT", "JOURNAL_URL", "DATA_DIR", "EGRESS_ALLOW", "CA_ROOT_API_KEY"} < exports.keys()
        for origin in (CONSOLE, ADMIN, "https://evil.example.com"):
            asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            reply = await sandbox.org.rest.ask("OPTIONS", RUN, asked)
            allowed = reply.headers.get("Access-Control-Allow-Origin")
            assert allowed == (None if "evil" in origin else origin)
        sandbox.process.send_signal(signal.SIGINT)
        assert await sandbox.process.wait() == 0


async def refused(folder: Path, **changed: str) -> str:
    """Start a sandbox that cannot start and return what it says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox", "run", "--free-ports"),
        env=environment(DATA_DIR=str(folder), **changed),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        _, said = await process.communicate()
    assert process.returncode == 1
    assert "Traceback" not in said.decode()
    return said.decode().strip()


async def test_a_service_that_refuses_its_set_up_is_quoted(tmp_path: Path) -> None:
    assert await refused(tmp_path, FAILPOINTS="accept.after_commit=explode") == (
        "the sandbox did not start: the service ended with exit code 78\nthe service cannot start:\n"
        "FAILPOINTS: accept.after_commit has the unknown action 'explode'; use kill, fail, lose or hang:SECONDS"
    )


async def test_a_second_sandbox_on_the_same_data_is_told_so(tmp_path: Path) -> None:
    with (tmp_path / "sandbox.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert await refused(tmp_path) == f"the sandbox did not start: another sandbox uses {tmp_path}"


async def test_settings_that_are_wrong_are_all_named(tmp_path: Path) -> None:
    said = await refused(tmp_path, ROLE="boss", LOG_LEVEL="chatty")
    assert "ROLE: must be" in said
    assert "LOG_LEVEL: must be" in said


async def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = await refused(tmp_path / "file")
    assert said.startswith("the sandbox did not start: ")
    assert str(tmp_path / "file") in said


async def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    taken = str(server.sockets[0].getsockname()[1])
    async with server:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sandbox", "run"),
            env=environment(DATA_DIR=str(tmp_path), PORT=taken, GRPC_PORT="0", METRICS_PORT="0"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            _, said = await process.communicate()
    assert process.returncode == 1
    assert "Traceback" not in said.decode()
    assert re.search(r"the sandbox did not start: Envoy did not start.*cannot bind", said.decode(), re.DOTALL)
