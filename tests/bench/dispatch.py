"""How fast runs are accepted, and how fast they are taken to their end when they do nothing."""

from __future__ import annotations

import argparse
import asyncio
import time
from datetime import UTC, datetime
from typing import Any, TypeAlias

import asyncpg

from sandbox.stack import Stack
from tests.bench import floors
from tests.bench.callers import Load, by_grpc, by_rest, load, stub, submit
from tests.bench.figures import Cpu, Figures, percentile
from tests.bench.stacks import ORGS, stack_of

Journal: TypeAlias = "asyncpg.Connection[Any]"
FLOOR_BATCH = 32


async def accepting(figures: Figures, options: argparse.Namespace) -> None:
    """Measure how fast runs are accepted durably, with nobody taking them, beside what does only a part of it."""
    calls, callers, tool = options.calls, options.callers, options.tool
    async with stack_of(ORGS, ROLE="api") as stack:
        found = stack.manifest()
        orgs, pid = found["orgs"], found["pids"]["service"]
        await load(tool, found["grpc"], by_grpc(orgs, "warm", calls // 10), callers)
        cpu = Cpu.of(pid)
        native = await load(tool, found["grpc"], by_grpc(orgs, "grpc", calls), callers)
        _accepted(figures, "accepted by gRPC", native, callers, cpu.used())
        await load(tool, found["rest"], by_rest(orgs, "rewarm", calls // 10), callers)
        cpu = Cpu.of(pid)
        rest = await load(tool, found["rest"], by_rest(orgs, "rest", calls), callers)
        _accepted(figures, "accepted by REST through Envoy", rest, callers, cpu.used())
        bare, used = await floors.echo(tool, by_grpc(orgs, "echo", calls), callers)
        _accepted(figures, "floor: a bare grpc.aio echo", bare, callers, used)
        figures.add("accepted by gRPC, of the bare echo", f"{native.rate / bare.rate:.2f}", "same requests, same run")
        rate, size = await floors.inserts(found["journal"], calls, FLOOR_BATCH)
        what = f"{size} bytes a row, {FLOOR_BATCH} rows a commit, one connection"
        figures.add("floor: bare asyncpg inserts", f"{rate:,.0f} rows/s", what)


def _accepted(figures: Figures, name: str, seen: Load, callers: int, used: float) -> None:
    p50, p99 = percentile(seen.seconds, 0.5) * 1000, percentile(seen.seconds, 0.99) * 1000
    value = f"{seen.rate:,.0f}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms"
    shares = f"server at {used / seen.took:.0%} of a core, {seen.sender} at {seen.cpu / seen.took:.0%}"
    figures.add(name, value, f"{len(seen.seconds)} calls, {callers} callers, {shares}")


async def nothing(figures: Figures, options: argparse.Namespace) -> None:
    """Measure runs of a pipeline that does nothing, from the first submission to the last end; then idle dispatch."""
    async with stack_of(ORGS) as stack:
        found = stack.manifest()
        journal = await asyncpg.connect(found["journal"])
        await ended(stack, journal, options, "warm", options.calls // 10)
        service = Cpu.of(found["pids"]["service"])
        rate = await ended(stack, journal, options, "run", options.calls)
        cpu = f"{service.used() / options.calls * 1000:.2f} ms CPU of the service each"
        conditions = f"{options.calls} runs over {len(ORGS)} organisations, {options.callers} callers, {cpu}"
        figures.add("runs of nothing, end to end", f"{rate:,.0f} runs/s", f"{conditions}, journal and outbox included")
        await _idle(figures, found, journal)
        await journal.close()


async def ended(stack: Stack, journal: Journal, options: argparse.Namespace, tag: str, calls: int) -> float:
    """Submit so many runs and wait until none is left; return how many ended a second."""
    found = stack.manifest()
    asked = by_grpc(found["orgs"], tag, calls)
    began = time.perf_counter()
    await load(options.tool, found["grpc"], asked, options.callers)
    while await journal.fetchval("SELECT EXISTS (SELECT 1 FROM queue)"):  # noqa: ASYNC110 - another process ends them
        await asyncio.sleep(0.02)
    return calls / (time.perf_counter() - began)


async def _idle(figures: Figures, found: dict[str, Any], journal: Journal) -> None:
    waits = []
    channel, service = stub(found["grpc"])
    async with channel:
        for number in range(200):
            submitted = datetime.now(UTC)
            run_id = await submit(service, found["orgs"][number % len(ORGS)], f"idle-{number}")
            while (started := await _step_start(journal, run_id)) is None:  # noqa: ASYNC110 - likewise
                await asyncio.sleep(0.002)
            waits.append((started - submitted).total_seconds() * 1000)
    value = f"p50 {percentile(waits, 0.5):.1f} ms, p99 {percentile(waits, 0.99):.1f} ms"
    figures.add("submit → step start, idle", value, "200 runs, one after the other, by gRPC")


async def _step_start(journal: Journal, run_id: str) -> datetime | None:
    found: datetime | None = await journal.fetchval(
        "SELECT min(time) FROM event WHERE run_id = $1::text::uuid AND type = 'STEP_STARTED'", run_id
    )
    return found
