"""Everybody at once: a start with thousands of runs queued."""

from __future__ import annotations

import asyncio
import itertools
import time

import pytest
from datapipeline.v1 import pipelines_pb2, pipelines_pb2_grpc
from google.protobuf.struct_pb2 import Struct

from tests.chaos.arena import ORGS, Arena
from tests.fakes.org_client import EXTRACT, NOTHING
from tests.fakes.until import until

QUEUED, CALLERS = 5000, 16
EXTRACTS, PER_MINUTE, BURST = 12, 300, 60


@pytest.mark.fault("F37")
@pytest.mark.promise("P1", "P4")
async def test_a_start_with_thousands_of_runs_queued_does_them_all_and_asks_the_provider_no_faster_than_it_may(
    arena: Arena,
) -> None:
    org = arena.org(0)
    async with arena.answering_only():
        queued = await _queued(arena, QUEUED)
        days = [arena.next_day() for _ in range(EXTRACTS)]
        reads = [await arena.accepted(org, EXTRACT, day, date=day) for day in days]
        asked, began = await _asked(arena), time.monotonic()
        async with arena.replica(ROLE="worker"):
            meanwhile, slowest = await _accepted_meanwhile(arena)
            await until(lambda: _done(arena), 240, pause=0.5)
            allowed = BURST + PER_MINUTE / 60 * (time.monotonic() - began)
            assert await _asked(arena) - asked <= allowed
            acked = [*queued, *reads, *meanwhile]
            what = (
                f"a start with {len(queued)} runs queued (slowest of {len(meanwhile)} accepts: {slowest * 1000:.0f} ms)"
            )
            toll = await arena.charge(what, 1, began, acked)
    assert toll.harmless, toll


async def _accepted_meanwhile(arena: Arena) -> tuple[list[str], float]:
    """Ask for some runs, one after the other; return them and how many seconds the slowest answer took."""
    run_ids, slowest = [], 0.0
    for number in range(50):
        began, note = time.monotonic(), f"herd {number}"
        run_ids.append(await arena.accepted(arena.org(number % len(ORGS)), NOTHING, note, note=note))
        slowest = max(slowest, time.monotonic() - began)
    return run_ids, slowest


async def _queued(arena: Arena, count: int) -> list[str]:
    """Ask for runs of every organisation by native gRPC, many at once."""
    numbers = itertools.count()
    accepted: list[str] = []
    async with arena.running.answers.channel(f"127.0.0.1:{arena.service.environment['GRPC_PORT']}") as channel:
        stub = pipelines_pb2_grpc.PipelineServiceStub(channel)

        async def caller() -> None:
            while (number := next(numbers)) < count:
                org = arena.org(number % len(ORGS))
                asked = pipelines_pb2.RunPipelineRequest(org=org.slug, provider="example", domain="smoke")
                asked.pipeline, given = "nothing", Struct()
                given.update({"note": f"queued {number}"})
                asked.parameters.CopyFrom(given)
                receipt = await stub.RunPipeline(asked, metadata=(("x-api-key", org.key),))
                accepted.append(receipt.run_id)

        await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return accepted


async def _done(arena: Arena) -> bool:
    return bool(await arena.running.journal.fetchval("SELECT count(*) = 0 FROM queue"))


async def _asked(arena: Arena) -> int:
    """Return how many requests the provider has had."""
    async with arena.running.rest.session.get(f"{arena.running.simulator.origin}/_requests") as answer:
        return int((await answer.json())["total"])
