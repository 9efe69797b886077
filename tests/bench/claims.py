"""What a claim costs with how much is queued and for how many, and what organisations cost that do nothing."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import asyncpg
import grpc
import psutil
from datapipeline.v1.pipelines_pb2 import ListPipelinesRequest
from prometheus_client.parser import text_string_to_metric_families

from sandbox.bigquery.connect import connect
from sandbox.postgres import Postgres
from sandbox.seed import enrol
from server.clock import SystemClock
from tests.bench.callers import stub
from tests.bench.figures import Figures
from tests.bench.stacks import stack_of
from workers.adapters.journal import PostgresJournal, migrate
from workers.model.lease import LaneTerms, NewRun
from workers.model.run import StepRun
from workers.runtime.supervisor import Supervisor

DEPTHS = (100, 1_000, 10_000, 100_000)
CROWDS = (10, 100, 1_000, 10_000)
CLAIMED, CLAIMS = 8, 40
AT_ONCE = 2048
IDLE = 10_000
READ_AGAIN = 3
TASKS, AGE = "loop_tasks", "directory_age_seconds"


async def claiming(figures: Figures, _options: argparse.Namespace) -> None:
    """Measure the claim of eight runs, at each depth for 50 organisations, and for ever more with one depth."""
    figures.add("claim, by runs queued", *_series(DEPTHS, await _medians(50, DEPTHS), "50 organisations"))
    by_crowd = [(await _medians(crowd, (10_000,)))[0] for crowd in CROWDS]
    figures.add("claim, by organisations", *_series(CROWDS, by_crowd, "10,000 runs queued"))


def _series(points: Sequence[int], medians: Sequence[float], what: str) -> tuple[str, str]:
    listed = ", ".join(f"{point:,}: {value * 1000:.1f}" for point, value in zip(points, medians, strict=True))
    value = f"{medians[-1] / medians[0]:.2f} times from {points[0]:,} to {points[-1]:,}"
    return value, f"median ms of {CLAIMS} claims of {CLAIMED} runs: {listed}; {what}"


async def _medians(orgs: int, depths: Sequence[int]) -> list[float]:
    """Return the median seconds of a claim at each depth, one after the other on one journal."""
    found = list[float]()
    async with _journal() as (journal, url):
        numbers = itertools.count()
        for depth in depths:
            await _fill(journal, numbers, orgs, depth)
            await _settle(url)
            took = list[float]()
            for _ in range(CLAIMS):
                began = time.perf_counter()
                leases = await journal.claim("bench", CLAIMED)
                took.append(time.perf_counter() - began)
                if len(leases) != CLAIMED:
                    raise RuntimeError(f"{len(leases)} runs were claimed")
                await journal.release("bench")
            found.append(statistics.median(took))
    return found


@asynccontextmanager
async def _journal() -> AsyncIterator[tuple[PostgresJournal, str]]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        postgres = Postgres(Path(folder) / "postgres")
        await postgres.start()
        tasks = Supervisor(SystemClock(), random.random)
        try:
            await migrate(postgres.url)
            opened = PostgresJournal.open(
                postgres.url, spawn=tasks.spawn, roll=random.random, waiting_limit_total=1_000_000, command_timeout=60.0
            )
            async with opened as journal:
                yield journal, postgres.url
        finally:
            await tasks.stop()
            await postgres.stop()


async def _fill(journal: PostgresJournal, numbers: itertools.count[int], orgs: int, depth: int) -> None:
    """Accept runs until so many are queued, in turn for every organisation."""
    while (missing := depth - (await journal.depth()).waiting) > 0:
        async with asyncio.TaskGroup() as group:
            for number in itertools.islice(numbers, min(missing, AT_ONCE)):
                group.create_task(journal.add(_run(number, f"org_{number % orgs:05}")))


async def _settle(url: str) -> None:
    """Have Postgres do now what it would do of so many new rows beside the claims."""
    connection = await asyncpg.connect(url)
    for statement in ("VACUUM ANALYZE", "CHECKPOINT"):
        await connection.execute(statement)
    await connection.close()


def _run(number: int, org: str) -> NewRun:
    return NewRun(
        run_id=uuid.uuid4(),
        org_slug=org,
        provider="example",
        domain="smoke",
        pipeline="nothing",
        pipeline_id=f"{org}-example-smoke-nothing",
        config_hash="0",
        run_date=datetime.now(UTC).date(),
        parameters={"note": str(number)},
        parameters_hash=str(number),
        steps=(StepRun("validate_wiring", "generic.nothing"),),
        terms=LaneTerms(20, waiting_limit=1_000_000),
    )


async def idling(figures: Figures, _options: argparse.Namespace) -> None:
    """Measure what ten thousand organisations more cost a replica that knows them and does nothing for them."""
    async with stack_of(("acme",)) as stack:
        found = stack.manifest()
        process = psutil.Process(found["pids"]["service"])
        await _read_again(found["metrics"])
        tasks, memory = await _gauge(found["metrics"], TASKS), process.memory_info().rss
        org = await asyncio.to_thread(_enrol, found["bigquery"])
        await _known(found["grpc"], org)
        await _read_again(found["metrics"])
        more, grown = await _gauge(found["metrics"], TASKS) - tasks, process.memory_info().rss - memory
    where = f"RSS of the service, {READ_AGAIN} readings of the directory after they came"
    figures.add(f"{IDLE:,} idle organisations", f"{more:+.0f} tasks, {grown / 2**20:+.1f} MiB", where)


def _enrol(rest: str) -> dict[str, str]:
    """Put organisations into the platform's tables; return one of them. Blocks."""
    keys = {f"idle_{number:05}": f"idle_{number:05}_{uuid.uuid4().hex}" for number in range(IDLE)}
    with connect(rest) as client:
        enrol(client, keys)
    slug = next(iter(keys))
    return {"slug": slug, "api_key": keys[slug]}


async def _known(url: str, org: dict[str, str]) -> None:
    """Wait until the replica knows the organisation's key."""
    channel, service = stub(url)
    async with channel:
        while True:
            try:
                await service.ListPipelines(ListPipelinesRequest(), metadata=(("x-api-key", org["api_key"]),))
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAUTHENTICATED:
                    raise
                await asyncio.sleep(1)
            else:
                return


async def _read_again(metrics: str) -> None:
    """Wait until the directory has been read some times more."""
    age = await _gauge(metrics, AGE)
    for _ in range(READ_AGAIN):
        while (now := await _gauge(metrics, AGE)) >= age:
            age = now
            await asyncio.sleep(1)
        age = now


async def _gauge(metrics: str, name: str) -> float:
    async with aiohttp.ClientSession() as session, session.get(metrics) as answer:
        families = text_string_to_metric_families(await answer.text())
        return next(family.samples[0].value for family in families if family.name == name)
