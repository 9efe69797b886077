"""How fast rows get from a provider to BigQuery, and what memory that takes."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from attrs import frozen

from sandbox.openai.launch import Simulator
from sandbox.parts import free_port
from tests.bench.exported import fill
from tests.bench.figures import Cpu, Figures, peak_rss
from tests.bench.stacks import stack_of
from tests.bench.vendor import PAGING, lay_out, served


@frozen
class Seen:
    """A service and its BigQuery, looked at before a step."""

    service: Cpu
    emulator: Cpu
    idle: float

    @classmethod
    def of(cls, found: dict[str, Any]) -> Seen:
        """Look at them."""
        pids = found["pids"]
        return cls(Cpu.of(pids["service"]), Cpu.of(pids["bigquery"]), peak_rss(pids["service"]))

    def tell(self, figures: Figures, what: str, step: dict[str, Any], how: str) -> None:
        """Look again, and add the line of a step that has ended."""
        peak, seconds = peak_rss(self.service.process.pid), _seconds(step)
        value = f"{step['rows'] / seconds:,.0f} rows/s, peak RSS {peak:.0f} MiB (+{peak - self.idle:.0f})"
        cpu = f"CPU: service {self.service.used():.1f} s, emulator {self.emulator.used():.1f} s"
        size = f"{step['rows']:,.0f} rows, {step['bytes'] / 2**20:,.0f} MiB, {how}"
        figures.add(what, value, f"{size}, {seconds:.1f} s; {cpu}")


async def usage(figures: Figures, options: argparse.Namespace) -> None:
    """Measure usage rows from the provider to BigQuery, and what memory it takes."""
    simulator = Simulator("sk-admin-bench", port=free_port(), scale=options.scale)
    await simulator.start()
    try:
        async with stack_of(
            ("acme",), OPENAI_BASE_URL=simulator.base_url, SANDBOX_OPENAI_KEY="sk-admin-bench"
        ) as stack:
            found = stack.manifest()
            seen, provider = Seen.of(found), Cpu.of(simulator.pid)
            step = await _extract(found, options.days)
            how = f"{options.days} days, simulator {provider.used():.1f} s CPU"
            seen.tell(figures, "usage rows, simulator → BigQuery emulator", step, how)
    finally:
        await simulator.stop()


async def extracting(figures: Figures, options: argparse.Namespace) -> None:
    """Measure rows of any API from its pages to BigQuery, and what memory they take: in pages, and as one long body."""
    for form in PAGING:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            async with served(options.rows) as url:
                lay_out(Path(folder), url)
                changed = {"PYTHONPATH": folder, "PYTHONSAFEPATH": "1", "EGRESS_ALLOW": url.removeprefix("http://")}
                async with stack_of(("acme",), **changed) as stack:
                    found = stack.manifest()
                    seen = Seen.of(found)
                    step = await _ended_step(found, f"bench//{form}", "extract_rows", {})
                    pages = f"{step['output']['pages']:,} pages" if form == "json" else "one body"
                    seen.tell(figures, f"generic extractor, {form} → BigQuery emulator", step, pages)


async def billing(figures: Figures, options: argparse.Namespace) -> None:
    """Measure rows of a billing export from one project of the emulator to another, and what memory they take."""
    async with stack_of(("acme",)) as stack:
        found = stack.manifest()
        given = await asyncio.to_thread(fill, found["bigquery"], options.exported)
        seen = Seen.of(found)
        step = await _ended_step(found, "gcp/cost/billing", "extract_billing", given)
        seen.tell(figures, "billing export, project → project of the emulator", step, "as columns")


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
