"""How fast rows are fetched, parsed and spooled, and in how much memory, beside nothing but fetching and parsing."""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from sandbox.parts import free_port
from tests.bench.figures import Cpu, Figures

PAGE_ROWS = 10_000
LONG_PAGES = {"usage": 82_000, "rows": 115_000}
"""Rows of a page of 40 MB; of usage they are one day's, and so one element of the page."""


@asynccontextmanager
async def _provider() -> AsyncIterator[tuple[str, int]]:
    """Run a prepared provider; hand on its address and process id."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.bench.prepared", str(port))
    url = f"http://127.0.0.1:{port}"
    try:
        async with aiohttp.ClientSession() as session:
            while not await _answers(session, url):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
        yield url, process.pid
    finally:
        process.terminate()
        await process.wait()


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/rows/1/1") as answer:
            return answer.status == 200
    except aiohttp.ClientConnectionError:
        return False


async def _spooled(url: str, form: str, page_rows: int, *pages: int) -> list[dict[str, Any]]:
    command = (sys.executable, "-m", "tests.bench.spooling", url, form, str(page_rows), *map(str, pages))
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    lines, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return [json.loads(line) for line in lines.splitlines()]


async def spooling(figures: Figures, options: argparse.Namespace) -> None:
    """Measure pages of about 5 MB of either form, in growing numbers, and then a single page of 40 MB."""
    async with _provider() as (url, pid):
        for form, page in LONG_PAGES.items():
            cpu = Cpu.of(pid)
            *sizes, floor = await _spooled(url, form, PAGE_ROWS, *options.pages)
            _speed(figures, form, sizes[-1], floor, cpu.used())
            _memory(figures, form, sizes)
            long, _ = await _spooled(url, form, page, 1)
            value = f"peak RSS {long['peak']:.0f} MiB (+{long['peak'] - long['before']:.0f})"
            figures.add(f"{form}: a single page of {long['bytes'] / 1e6:.0f} MB, spooled", value, f"{page:,} rows")


def _speed(figures: Figures, form: str, found: dict[str, Any], floor: dict[str, Any], provider: float) -> None:
    rows, seconds, cpu = found["rows"], found["seconds"], found["cpu"]
    value = f"{rows / seconds:,.0f} rows/s; bare fetch and json.loads {floor['rows'] / floor['seconds']:,.0f}"
    size = f"{rows:,} rows, {found['bytes'] / 2**20:,.0f} MiB, {seconds:.1f} s"
    # A second of CPU is one of a core that nobody else had: what a quiet machine gives.
    busy = f"{cpu:.1f} s CPU ({rows / cpu:,.0f} rows a second of it), provider {provider:.1f} s in all"
    figures.add(f"{form}: rows fetched, parsed and spooled", value, f"{size}, {busy}")


def _memory(figures: Figures, form: str, sizes: list[dict[str, Any]]) -> None:
    peaks = ", ".join(f"{one['peak']:.0f} MiB at {one['rows']:,}" for one in sizes)
    growth = f"+{sizes[-1]['peak'] - sizes[0]['peak']:.0f} from the first to the last"
    pages = f"pages of {sizes[0]['bytes'] / sizes[0]['rows'] * PAGE_ROWS / 1e6:.1f} MB, one process"
    figures.add(f"{form}: peak RSS by rows", f"{peaks}; {growth}", pages)
