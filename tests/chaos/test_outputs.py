"""Whatever takes logs and traces is stuck or away: lines and spans are lost, and nothing else."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager

import pytest

from sandbox.parts import free_port
from tests.chaos.arena import ORGS, Arena
from tests.fakes.org_client import EXTRACT, NOTHING
from tests.fakes.until import until
from tests.plugins.sandbox import sample

FULL = b"x" * 65_536


@contextmanager
def stuck() -> Iterator[int]:
    """A pipe that is full and that nobody reads: whoever writes waits for ever."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    written = os.write(writer, FULL)
    os.set_blocking(writer, True)
    try:
        yield writer
        assert os.read(reader, 2 * len(FULL)) == FULL[:written], "something found room in a full pipe"
    finally:
        os.close(reader)
        os.close(writer)


@contextmanager
def gone() -> Iterator[int]:
    """A pipe whose reader has left: whoever writes is told so."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@asynccontextmanager
async def deaf() -> AsyncIterator[tuple[str, list[asyncio.StreamWriter]]]:
    """A collector of traces that takes every connection and never says a word; hands on who has come."""
    callers: list[asyncio.StreamWriter] = []

    async def take(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        callers.append(writer)

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", callers
    finally:
        server.close()
        for caller in callers:
            caller.transport.abort()


@asynccontextmanager
async def worker(arena: Arena, output: int, **changed: str) -> AsyncIterator[tuple[Process, str]]:
    """Run a replica that says everything there; hands on its metrics, too."""
    ports = {"GRPC_PORT": str(free_port()), "METRICS_PORT": str(free_port())}
    told = {**arena.service.environment, **ports, "ROLE": "worker", **changed}
    command = (sys.executable, "-m", "server")
    process = await asyncio.create_subprocess_exec(*command, env=told, stdout=output, stderr=output, process_group=0)
    try:
        yield process, f"http://127.0.0.1:{ports['METRICS_PORT']}/metrics"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def dropped(arena: Arena, metrics: str) -> float:
    """Return how many lines a replica says it lost."""
    async with arena.running.rest.session.get(metrics) as answer:
        return sample(await answer.text(), "log_lines_dropped_total")


@pytest.mark.fault("F66")
@pytest.mark.parametrize(("name", "output"), [("stuck", stuck), ("gone", gone)])
async def test_a_replica_whose_logs_and_traces_nobody_takes_works_and_stops_as_any_other(
    arena: Arena, name: str, output: Callable[[], AbstractContextManager[int]]
) -> None:
    with output() as descriptor:
        async with (
            arena.answering_only(),
            deaf() as (collector, callers),
            worker(arena, descriptor, OTEL_EXPORTER_OTLP_ENDPOINT=collector) as (process, metrics),
        ):
            at, day, org = time.monotonic(), arena.next_day(), arena.org(0)
            notes = [f"{name} {number}" for number in range(4 * len(ORGS))]
            acked = [await arena.accepted(arena.org(n % len(ORGS)), NOTHING, t, note=t) for n, t in enumerate(notes)]
            acked.append(await arena.accepted(org, EXTRACT, f"{name} {day}", date=day))
            toll = await arena.charge(f"logs and traces whose reader is {name}", 2, at, acked)
            await until(lambda: _true(callers), 20)
            assert (await dropped(arena, metrics) > 0) == (name == "gone")
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(30):
                assert await process.wait() == 0
    assert toll.harmless, toll
    await arena.as_the_source(org, day)


async def _true(callers: list[asyncio.StreamWriter]) -> bool:
    return bool(callers)
