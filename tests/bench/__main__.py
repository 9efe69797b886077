"""`make bench`: starts the stack, measures it from outside, prints a table."""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from sandbox.openai.launch import Simulator
from sandbox.parts import free_port
from sandbox.stack import Options, Stack, running
from tests.bench.callers import GrpcCaller, Load, RestCaller, load, stub
from tests.bench.exported import fill
from tests.bench.figures import Cpu, Figures, peak_rss, percentile
from tests.bench.vendor import PAGING, lay_out, served

QUIET = {
    "RATE_LIMIT_ENABLED": "false",
    "MAX_WAITING_RUNS_PER_ORG": "100000",
    "SHUTDOWN_GRACE_SECONDS": "1",
    "LOG_LEVEL": "WARNING",
}
ORGS = ("acme", *(f"org_{number:03}" for number in range(1, 50)))


@asynccontextmanager
async def stack_of(orgs: Sequence[str], **environment: str) -> AsyncIterator[Stack]:
    """Run a stack in a directory of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        options = Options(Path(folder), orgs=tuple(orgs), environment={**kept, **QUIET, **environment})
        async with running(options) as stack:
            yield stack


def _accepted(figures: Figures, name: str, seen: Load, callers: int, cpu: Cpu) -> None:
    p50, p99 = percentile(seen.seconds, 0.5) * 1000, percentile(seen.seconds, 0.99) * 1000
    value = f"{seen.rate:,.0f} runs/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms"
    share = cpu.used() / seen.took
    figures.add(
        name, value, f"{len(seen.run_ids)} runs, {callers} callers, service at {share:.0%} of a core, no workers"
    )


async def accepting(figures: Figures, calls: int, callers: int) -> None:
    """Measure how fast runs are accepted durably, with nobody taking them."""
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


async def nothing(figures: Figures, calls: int, callers: int) -> None:
    """Measure runs of a pipeline that does nothing, from the first submission to the last end; then idle dispatch."""
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


async def usage(figures: Figures, scale: int, days: int) -> None:
    """Measure usage rows from the provider to BigQuery, and what memory it takes."""
    simulator = Simulator("sk-admin-bench", port=free_port(), scale=scale)
    await simulator.start()
    try:
        async with stack_of(
            ("acme",), OPENAI_BASE_URL=simulator.base_url, SANDBOX_OPENAI_KEY="sk-admin-bench"
        ) as stack:
            found = stack.manifest()
            idle = peak_rss(found["pids"]["service"])
            step = await _extract(found, days)
            seconds = _seconds(step)
            growth = peak_rss(found["pids"]["service"]) - idle
            value = f"{step['rows'] / seconds:,.0f} rows/s, peak RSS {idle + growth:.0f} MiB (+{growth:.0f})"
            conditions = f"{step['rows']:,.0f} rows, {step['bytes'] / 2**20:,.0f} MiB, {days} days, {seconds:.1f} s"
            figures.add("usage rows, simulator → BigQuery emulator", value, conditions)
    finally:
        await simulator.stop()


async def extracting(figures: Figures, rows: int) -> None:
    """Measure rows of any API from its pages to BigQuery, and what memory they take: in pages, and as one long body."""
    for form in PAGING:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            async with served(rows) as url:
                lay_out(Path(folder), url)
                changed = {"PYTHONPATH": folder, "PYTHONSAFEPATH": "1", "EGRESS_ALLOW": url.removeprefix("http://")}
                async with stack_of(("acme",), **changed) as stack:
                    found = stack.manifest()
                    idle = peak_rss(found["pids"]["service"])
                    step = await _ended_step(found, f"bench//{form}", "extract_rows", {})
                    seconds = _seconds(step)
                    growth = peak_rss(found["pids"]["service"]) - idle
            value = f"{step['rows'] / seconds:,.0f} rows/s, peak RSS {idle + growth:.0f} MiB (+{growth:.0f})"
            pages = f"{step['output']['pages']:,} pages" if form == "json" else "one body"
            conditions = f"{step['rows']:,.0f} rows, {step['bytes'] / 2**20:,.0f} MiB in {pages}, {seconds:.1f} s"
            figures.add(f"generic extractor, {form} → BigQuery emulator", value, conditions)


async def billing(figures: Figures, rows: int) -> None:
    """Measure rows of a billing export from one project of the emulator to another, and what memory they take."""
    async with stack_of(("acme",)) as stack:
        found = stack.manifest()
        given = await asyncio.to_thread(fill, found["bigquery"], rows)
        idle = peak_rss(found["pids"]["service"])
        cpu = Cpu.of(found["pids"]["service"])
        step = await _ended_step(found, "gcp/cost/billing", "extract_billing", given)
        seconds, used = _seconds(step), cpu.used()
        growth = peak_rss(found["pids"]["service"]) - idle
        value = f"{step['rows'] / seconds:,.0f} rows/s, peak RSS {idle + growth:.0f} MiB (+{growth:.0f})"
        size = f"{step['rows']:,.0f} rows, {step['bytes'] / 2**20:,.0f} MiB as columns"
        conditions = f"{size}, {seconds:.1f} s, of them {used:.1f} s CPU of the service"
        figures.add("billing export, project → project of the emulator", value, conditions)


async def _extract(found: dict[str, Any], days: int) -> dict[str, Any]:
    last = datetime.now(UTC).date() - timedelta(days=1)
    window = {"start_date": str(last - timedelta(days=days - 1)), "end_date": str(last)}
    return await _ended_step(found, "openai/cost/cost_extract", "extract_usage", window)


async def _ended_step(found: dict[str, Any], path: str, step_id: str, given: dict[str, Any]) -> dict[str, Any]:
    org = found["orgs"][0]
    async with aiohttp.ClientSession(headers={"X-API-Key": org["api_key"]}) as session:
        url = f"{found['rest']}/api/v1/pipelines/run/{org['slug']}/{path}"
        async with session.post(url, json=given) as answer:
            accepted = await answer.json()
        if "run_id" not in accepted:
            raise RuntimeError(f"refused: {accepted}")
        run_id = accepted["run_id"]
        async with session.get(f"{found['rest']}/api/v1/pipelines/runs/{run_id}/events") as events:
            async for _ in events.content:
                pass
        async with session.get(f"{found['rest']}/api/v1/pipelines/runs/{run_id}") as answer:
            run = await answer.json()
    if run["status"] != "COMPLETED":
        raise RuntimeError(f"the extraction ended {run['status']}: {run.get('error')}")
    return next(step for step in run["steps"] if step["step_id"] == step_id)


def _seconds(step: dict[str, Any]) -> float:
    start, end = (datetime.fromisoformat(step[name]) for name in ("start_time", "end_time"))
    return (end - start).total_seconds()


async def measure(options: argparse.Namespace) -> None:
    """Measure everything in one go."""
    figures = Figures()
    await accepting(figures, options.calls, options.callers)
    await nothing(figures, options.calls, options.callers)
    await usage(figures, options.scale, options.days)
    await extracting(figures, options.rows)
    await billing(figures, options.exported)
    figures.show()


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--calls", type=int, default=5000)
    parser.add_argument("--callers", type=int, default=32)
    parser.add_argument("--scale", type=int, default=200, help="rows of the simulator, times this")
    parser.add_argument("--rows", type=int, default=200_000, help="rows for the generic extractor")
    parser.add_argument("--exported", type=int, default=100_000, help="rows of the billing export")
    parser.add_argument("--days", type=int, default=14)
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
