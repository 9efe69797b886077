"""Extraction up to the spool, in a process of its own: what it takes by itself, without BigQuery and without a stack.

`python -m tests.bench.spooling URL FORM PAGE_ROWS PAGES…` reads the prepared provider at URL once for each number of
pages, by the engine of the form (usage or rows) and by nothing but aiohttp and json, and prints a line of JSON each.
"""

from __future__ import annotations

import gc
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import uvloop
from attrs import asdict, frozen

from server.__main__ import COLLECT_AFTER
from server.clock import SystemClock
from tests.bench.figures import forget_peak, peak_rss
from tests.fakes.spooled_warehouse import SpooledWarehouse
from tests.fakes.step_bench import Bench
from workers.catalog import Catalog
from workers.model.page import Endpoint, Limits, Receipt
from workers.model.pipeline import Destination
from workers.model.secret import Secret
from workers.ports import StepContext, Wiring
from workers.processors.generic.api_extractor import GenericApiExtractor
from workers.processors.generic.declared import ExtractorDeclared
from workers.processors.generic.declared_read import PaginationDeclared
from workers.processors.openai.usage import OpenAiUsage, UsageConfig
from workers.rest import Egress, RestReader, Shelf

FIRST = date(2024, 1, 1)


@frozen
class Spooled:
    """What one extraction took: wall and CPU seconds, and the most memory while it went on, in MiB."""

    rows: int
    bytes: int
    seconds: float
    cpu: float
    before: float
    peak: float


@frozen
class Task:
    """Pages of so many rows to read from a prepared provider."""

    url: str
    form: str
    page_rows: int
    catalog: Catalog

    async def run(self, pages: int, folder: Path) -> tuple[int, int]:
        """Extract; return rows and bytes that reached the spool."""
        with ThreadPoolExecutor(2) as threads:
            warehouse = SpooledWarehouse(folder / "spool", threads)
            async with _reading(self.url, folder) as reading:
                ctx = Bench(self.catalog, lambda _read: []).context(
                    FIRST,
                    FIRST + timedelta(days=pages - 1),
                    warehouse=warehouse,
                    reading=reading,
                    endpoint=self._endpoint,
                    clock=SystemClock(),
                    force_refresh=True,
                )
                result = await (self._usage(ctx) if self.form == "usage" else self._rows(ctx, pages))
        if warehouse.spooled.rows != self.page_rows * pages:
            raise RuntimeError(f"{warehouse.spooled.rows} rows were spooled")
        return warehouse.spooled.rows, result

    async def bare(self, pages: int) -> tuple[int, int]:
        """Fetch and parse the same with nothing else; return rows and bytes."""
        size = 0
        async with aiohttp.ClientSession() as session:
            for page in range(1, pages + 1):
                async with session.get(self._bare_url(page)) as answer:
                    body = await answer.read()
                json.loads(body)
                size += len(body)
        return self.page_rows * pages, size

    def _bare_url(self, page: int) -> str:
        if self.form == "rows":
            return f"{self.url}/rows/{self.page_rows}/{page}?after={page}"
        asked = f"start_time=0&end_time={86_400}&limit=1"
        return f"{self.url}/usage/{self.page_rows}/organization/usage/completions?{asked}"

    def _endpoint(self, provider: str) -> Endpoint:
        limits = Limits(requests_per_minute=1e9, burst=1_000_000)
        return Endpoint(provider, f"{self.url}/usage/{self.page_rows}", limits=limits)

    async def _usage(self, ctx: StepContext) -> int:
        return (await OpenAiUsage().execute(UsageConfig(buckets_per_page=1), ctx)).bytes

    async def _rows(self, ctx: StepContext, pages: int) -> int:
        declared = ExtractorDeclared(
            url=f"{self.url}/rows/{self.page_rows}/{pages}",
            data_path="data",
            pagination=PaginationDeclared("cursor", param="after", response_path="next"),
            destination=Destination(table="vendor_raw", write_mode="append"),
            max_page_mb=1024,
        )
        return (await GenericApiExtractor().execute(declared, ctx)).bytes


@asynccontextmanager
async def _reading(url: str, folder: Path) -> AsyncIterator[Any]:
    async def secret(_provider: str) -> Secret:
        return Secret("sk-bench")

    async def take(_key: str, _per_minute: float, _burst: int) -> float:
        return 0.0

    async def receipt(_receipt: Receipt) -> None:
        """Nobody keeps them."""

    reader = RestReader(Egress.parse(url.removeprefix("http://")), SystemClock(), lambda: 0.5, shelf=Shelf(folder))
    try:
        async with reader.open(Wiring(secret, take, receipt, "acme")) as reading:
            yield reading
    finally:
        reader.close()


async def _measured(work: Callable[[], Awaitable[tuple[int, int]]]) -> Spooled:
    forget_peak()
    before, began, cpu = peak_rss(0), time.perf_counter(), time.process_time()
    rows, size = await work()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return Spooled(rows, size, seconds, cpu, before, peak_rss(0))


async def measure(task: Task, sizes: list[int]) -> None:
    """Print what each size takes, and then what the bare floor of the last takes."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for pages in sizes:
            found = await _measured(lambda pages=pages: task.run(pages, Path(folder)))  # type: ignore[misc]
            print(json.dumps(asdict(found)), flush=True)
    print(json.dumps(asdict(await _measured(lambda: task.bare(sizes[-1])))), flush=True)


def main() -> None:
    """Run the command line."""
    url, form, page_rows, *sizes = sys.argv[1:]
    task = Task(url, form, int(page_rows), Catalog.load(Path("configs")))
    gc.freeze()  # as the service does
    gc.set_threshold(*COLLECT_AFTER)
    uvloop.run(measure(task, [int(size) for size in sizes]))


if __name__ == "__main__":
    main()
