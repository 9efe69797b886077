"""What becomes of dispatch when there is company: a second replica, and an organisation that wants everything."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg

from sandbox.parts import free_port
from sandbox.service import Service
from sandbox.stack import Stack
from tests.bench.callers import by_grpc, load, stub, submit
from tests.bench.dispatch import Journal, ended
from tests.bench.figures import Figures, percentile
from tests.bench.stacks import ORGS, stack_of

NOISY = 5000
QUIET = 20
ROUNDS = 15
NOISY_RUNS = "SELECT count(*) FROM run WHERE org = $1"


async def replicas(figures: Figures, options: argparse.Namespace) -> None:
    """Measure runs of nothing with one replica, and with another that works on the same journal."""
    async with stack_of(ORGS) as stack:
        journal = await asyncpg.connect(stack.manifest()["journal"])
        await ended(stack, journal, options, "warm", options.calls // 10)
        one = await ended(stack, journal, options, "one", options.calls)
        async with _another(stack):
            await ended(stack, journal, options, "rewarm", options.calls // 10)
            two = await ended(stack, journal, options, "two", options.calls)
        await journal.close()
    conditions = f"{options.calls} runs each, the second process a worker on the same Postgres"
    figures.add("runs of nothing, 2 replicas", f"{two:,.0f} runs/s, {two / one:.2f} of one's {one:,.0f}", conditions)


@asynccontextmanager
async def _another(stack: Stack) -> AsyncIterator[None]:
    folder = stack.options.data_dir / "another"
    ports = {name: str(free_port()) for name in ("PORT", "GRPC_PORT", "METRICS_PORT")}
    changed = {"ROLE": "worker", "DATA_DIR": str(folder), **ports}
    service = Service({**stack.environment, **changed}, folder / "service.log")
    await service.start()
    try:
        yield
    finally:
        await service.stop()


async def quiet(figures: Figures, options: argparse.Namespace) -> None:
    """Measure how long runs of quiet organisations wait in an empty system, and beside one with thousands queued."""
    async with stack_of(ORGS) as stack:
        found = stack.manifest()
        journal = await asyncpg.connect(found["journal"])
        await ended(stack, journal, options, "warm", options.calls // 10)
        alone = await _waits(found, journal, "alone")
        noisy = by_grpc(found["orgs"][-1:], "noisy", NOISY)
        async with asyncio.TaskGroup() as group:
            group.create_task(load(options.tool, found["grpc"], noisy, options.callers))
            while await journal.fetchval(NOISY_RUNS, found["orgs"][-1]["slug"]) < NOISY // 10:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)
            beside = await _waits(found, journal, "beside")
        await journal.close()
    p99, before = percentile(beside, 0.99), percentile(alone, 0.99)
    value = f"p50 {percentile(beside, 0.5):.1f} ms, p99 {p99:.1f} ms, {p99 / before:.1f} times the empty system's"
    conditions = f"{len(beside)} runs of {QUIET} organisations beside one that submits {NOISY} and has a cap of 20"
    figures.add("wait of quiet organisations", value, conditions)


async def _waits(found: dict[str, Any], journal: Journal, tag: str) -> Sequence[float]:
    """Return the milliseconds that runs waited from their acceptance to their start."""
    channel, service = stub(found["grpc"])
    async with channel:
        ids = [
            UUID(await submit(service, org, f"{tag}-{turn}")) for turn in range(ROUNDS) for org in found["orgs"][:QUIET]
        ]
    while await journal.fetchval("SELECT EXISTS (SELECT 1 FROM queue WHERE run_id = ANY ($1))", ids):  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.02)
    rows = await journal.fetch("SELECT start_time - created_at AS wait FROM run WHERE run_id = ANY ($1)", ids)
    return [row["wait"].total_seconds() * 1000 for row in rows]
