"""How fast runs are accepted, and how fast they are taken to their end when they do nothing."""

from __future__ import annotations

import argparse
import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import aiohttp
import asyncpg

from tests.bench.callers import GrpcCaller, Load, RestCaller, load, stub
from tests.bench.figures import Cpu, Figures, percentile
from tests.bench.stacks import ORGS, stack_of


def _accepted(figures: Figures, name: str, seen: Load, callers: int, cpu: Cpu) -> None:
    p50, p99 = percentile(seen.seconds, 0.5) * 1000, percentile(seen.seconds, 0.99) * 1000
    value = f"{seen.rate:,.0f} runs/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms"
    share = cpu.used() / seen.took
    figures.add(
        name, value, f"{len(seen.run_ids)} runs, {callers} callers, service at {share:.0%} of a core, no workers"
    )


async def accepting(figures: Figures, options: argparse.Namespace) -> None:
    """Measure how fast runs are accepted durably, with nobody taking them."""
    calls, callers = options.calls, options.callers
    async with stack_of(ORGS, ROLE="api") as stack:
        found = stack.manifest()
        channel, service = stub(found["grpc"].removeprefix("http://"))
        async with channel:
            await load(GrpcCaller(service, found["orgs"], "warm"), calls // 10, callers)
            cpu = Cpu.of(found["pids"]["service"])
            seen = await load(GrpcCaller(service, found["orgs"], "grpc"), calls, callers)
            _accepted(figures, "accepted by gRPC", seen, callers, cpu)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=callers)) as session:
            await load(RestCaller(session, found["rest"], found["orgs"], "rewarm"), calls // 10, callers)
            cpu = Cpu.of(found["pids"]["service"])
            seen = await load(RestCaller(session, found["rest"], found["orgs"], "rest"), calls, callers)
            _accepted(figures, "accepted by REST through Envoy", seen, callers, cpu)


async def nothing(figures: Figures, options: argparse.Namespace) -> None:
    """Measure runs of a pipeline that does nothing, from the first submission to the last end; then idle dispatch."""
    calls, callers = options.calls, options.callers
    async with stack_of(ORGS) as stack:
        found = stack.manifest()
        channel, service = stub(found["grpc"].removeprefix("http://"))
        journal = await asyncpg.connect(found["journal"])
        async with channel:
            await load(GrpcCaller(service, found["orgs"], "warm"), calls // 10, callers)
            await _until_ended(journal, calls // 10)
            began = time.perf_counter()
            await load(GrpcCaller(service, found["orgs"], "run"), calls, callers)
            await _until_ended(journal, calls // 10 + calls)
            took = time.perf_counter() - began
            conditions = f"{calls} runs over {len(ORGS)} organisations, one step each, journal and outbox included"
            figures.add("runs of nothing, end to end", f"{calls / took:,.0f} runs/s", conditions)
            await _idle(figures, GrpcCaller(service, found["orgs"], "idle"), journal)
        await journal.close()


async def _until_ended(journal: asyncpg.Connection[Any], runs: int) -> None:
    while await journal.fetchval("SELECT count(*) FROM run WHERE end_time IS NOT NULL") < runs:  # noqa: ASYNC110 - another process ends them
        await asyncio.sleep(0.05)


async def _idle(figures: Figures, caller: GrpcCaller, journal: asyncpg.Connection[Any]) -> None:
    waits = []
    for number in range(100):
        submitted = datetime.now(UTC)
        run_id = await caller(number)
        while (started := await _step_start(journal, run_id)) is None:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.002)
        waits.append((started - submitted).total_seconds() * 1000)
    value = f"p50 {percentile(waits, 0.5):.1f} ms, p99 {percentile(waits, 0.99):.1f} ms"
    figures.add("submit → step start, idle", value, "100 runs, one after the other, by gRPC")


async def _step_start(journal: asyncpg.Connection[Any], run_id: str) -> datetime | None:
    found: datetime | None = await journal.fetchval(
        "SELECT min(time) FROM event WHERE run_id = $1::text::uuid AND type = 'STEP_STARTED'", run_id
    )
    return found
