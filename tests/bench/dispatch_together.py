"""What becomes of dispatch when there is company: a second replica, and an organisation that wants everything."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
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
ROUNDS, WARM = 15, 3


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
async def _another(stack: Stack, role: str = "worker") -> AsyncIterator[str]:
    """Run a process more on the stack's journal; yields its gRPC address."""
    folder = stack.options.data_dir / "another"
    ports = {name: str(free_port()) for name in ("PORT", "GRPC_PORT", "METRICS_PORT")}
    service = Service({**stack.environment, "ROLE": role, "DATA_DIR": str(folder), **ports}, folder / "service.log")
    await service.start()
    try:
        yield f"127.0.0.1:{ports['GRPC_PORT']}"
    finally:
        await service.stop()


async def quiet(figures: Figures, options: argparse.Namespace) -> None:
    """Measure how long runs of quiet organisations wait for one process alone, and when another one wants everything.

    The other one first has thousands queued, which the process takes up as it starts; then it submits as many.
    """
    async with stack_of(ORGS, ROLE="api") as stack:
        found = stack.manifest()
        journal = await asyncpg.connect(found["journal"])
        async with _another(stack, "all") as address:
            await _waits(found, address, journal, "alone-warm", rounds=WARM)
            alone = await _waits(found, address, journal, "alone")
        await load(options.tool, found["grpc"], by_grpc(found["orgs"][-1:], "queued", NOISY), options.callers)
        async with _another(stack, "all") as address:
            async with asyncio.TaskGroup() as group:
                drained = group.create_task(_drained(found["journal"], found["orgs"][-1]["slug"]))
                await _waits(found, address, journal, "queued-warm", rounds=WARM)
                queued = await _waits(found, address, journal, "queued", until=drained.done)
            more = by_grpc(found["orgs"][-1:], "flood", NOISY)
            async with asyncio.TaskGroup() as group:
                flood = group.create_task(load(options.tool, address, more, options.callers))
                flooded = await _waits(found, address, journal, "flooded", until=flood.done)
        await journal.close()
    before = percentile(alone, 0.99)
    for name, waits in ((f"beside {NOISY:,} queued", queued), (f"while {NOISY:,} are submitted", flooded)):
        p99 = percentile(waits, 0.99)
        value = f"p50 {percentile(waits, 0.5):.1f} ms, p99 {p99:.1f} ms, {p99 / before:.1f} times the empty system's"
        what = f"{len(waits)} runs of {QUIET} organisations, alone p99 {before:.1f} ms; the noisy one has a cap of 20"
        figures.add(f"quiet organisations {name}", value, what)


async def _drained(url: str, org: str) -> None:
    """Return once nothing of the organisation waits or runs."""
    journal = await asyncpg.connect(url)
    while await journal.fetchval("SELECT EXISTS (SELECT 1 FROM queue WHERE org = $1)", org):  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.02)
    await journal.close()


async def _waits(
    found: dict[str, Any],
    address: str,
    journal: Journal,
    tag: str,
    *,
    rounds: int = ROUNDS,
    until: Callable[[], bool] = lambda: False,
) -> Sequence[float]:
    """Return the milliseconds that runs waited from acceptance to start; none is submitted after `until`."""
    channel, service = stub(address)
    async with channel:
        turns = ((org, f"{tag}-{turn}") for turn in range(rounds) for org in found["orgs"][:QUIET])
        ids = [UUID(await submit(service, org, note)) for org, note in turns if not until()]
    while await journal.fetchval("SELECT EXISTS (SELECT 1 FROM queue WHERE run_id = ANY ($1))", ids):  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.02)
    rows = await journal.fetch("SELECT start_time - created_at AS wait FROM run WHERE run_id = ANY ($1)", ids)
    return [row["wait"].total_seconds() * 1000 for row in rows]
