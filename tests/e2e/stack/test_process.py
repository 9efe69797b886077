"""The process among others: a port that is taken, signals that mean nothing to it, outputs that nobody reads."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import grpc.aio
import pytest
from datapipeline.v1 import health_pb2, health_pb2_grpc

from sandbox.parts import free_port
from tests.fakes.until import until
from tests.plugins.sandbox import Running

BESIDE = {"ROLE": "api", "SHUTDOWN_GRACE_SECONDS": "0.1"}


@pytest.mark.item("J141")
async def test_a_second_service_on_one_port_ends_with_the_reason(sandbox: Running, tmp_path: Path) -> None:
    told = sandbox.stack.environment | BESIDE | {"DATA_DIR": str(tmp_path), "METRICS_PORT": str(free_port())}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", env=told, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    taken = f"127.0.0.1:{told['GRPC_PORT']}"
    wanted = f"the service cannot start: GRPC_PORT: {taken} cannot be bound; is another service running there?"
    assert (process.returncode, said.decode().splitlines()[-1]) == (1, wanted)
    assert "Traceback" not in said.decode()


@pytest.mark.item("J142")
async def test_hangups_and_outputs_that_nobody_reads_are_survived(sandbox: Running, tmp_path: Path) -> None:
    ports = {"GRPC_PORT": str(free_port()), "METRICS_PORT": str(free_port()), "DATA_DIR": str(tmp_path)}
    async with _unheard(sandbox.stack.environment | BESIDE | ports) as process:
        await _survives(process, ports)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            assert await process.wait() == 0


async def _survives(process: Process, ports: Mapping[str, str]) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{ports['GRPC_PORT']}") as channel:
        health = health_pb2_grpc.HealthServiceStub(channel)
        await until(lambda: _ready(health), 90, pause=0.2)
        for number in (signal.SIGHUP, signal.SIGPIPE):
            process.send_signal(number)
        metrics = f"http://127.0.0.1:{ports['METRICS_PORT']}/metrics"
        await until(lambda: _counts(metrics, "log_lines_dropped_total"), 30)
        assert (await health.GetHealth(health_pb2.GetHealthRequest(), timeout=10)).status == "healthy"


@asynccontextmanager
async def _unheard(environment: Mapping[str, str]) -> AsyncIterator[Process]:
    """Run a service without input and output, whose errors go to a pipe without a reader."""
    reader, writer = os.pipe()
    command = f"exec {sys.executable} -m server <&- >&-"
    process = await asyncio.create_subprocess_exec("sh", "-c", command, env=environment, stderr=writer)
    os.close(writer)
    os.close(reader)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _ready(health: health_pb2_grpc.HealthServiceStub) -> bool:
    try:
        return bool((await health.GetReadiness(health_pb2.GetReadinessRequest())).status)
    except grpc.aio.AioRpcError:
        return False


async def _counts(url: str, name: str) -> bool:
    async with aiohttp.ClientSession(trust_env=False) as session, session.get(url) as answer:
        return any(
            line.startswith(f"{name} ") and float(line.split()[1]) > 0 for line in (await answer.text()).split("\n")
        )
