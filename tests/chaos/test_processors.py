"""Processors that do what none may: what they break is their own run, and nobody else's."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from sandbox.service import Service
from tests.chaos.arena import Arena
from tests.chaos.lab import ACT, BRIEF
from tests.fakes.org_client import NOTHING
from tests.fakes.until import until

CRASHES = 4  # one in company, or after the claim that found it, and three alone
BLOCKED_SECONDS = 7


@pytest.mark.fault("F27")
@pytest.mark.promise("P2", "P13")
async def test_a_run_that_kills_the_process_is_put_aside_and_nobody_else_is_blamed(arena: Arena) -> None:
    poison, good = arena.org(3), arena.org(4)
    at, deaths = time.monotonic(), _deaths(arena)
    run_id = await arena.accepted(poison, ACT, "poison", do="die", gate=str(arena.gate()))
    beside = [
        await arena.accepted(org, NOTHING, f"beside {n}", note=f"p{n}") for n, org in enumerate((good, poison) * 4)
    ]
    assert await arena.ended(run_id, 120) == "QUARANTINED"
    toll = await arena.charge("a processor that ends the process every time", _deaths(arena) - deaths, at, beside)
    assert toll.harmless, toll
    run = await arena.run(poison, run_id)
    assert (run["error"]["reason"], toll.injected <= CRASHES) == ("PROCESS_CRASHED", True)


@pytest.mark.fault("F28")
@pytest.mark.promise("P3", "P7")
async def test_a_run_whose_processor_hears_nothing_ends_when_it_is_cancelled_and_writes_nothing_more(
    arena: Arena,
) -> None:
    org, gate = arena.org(5), arena.gate()
    run_id = await arena.accepted(org, ACT, "deaf", do="deaf", gate=str(gate))
    await arena.holder(run_id)
    at = time.monotonic()
    await org.cancel(run_id)
    assert await arena.ended(run_id, 20) == "CANCELLED"
    written = await arena.written(run_id)
    gate.touch()
    after = await arena.accepted(org, NOTHING, "after the deaf one")
    toll = await arena.charge("a processor that ignores its cancellation", 1, at, [after])
    assert toll.harmless, toll
    assert await arena.written(run_id) == written


@pytest.mark.short
@pytest.mark.fault("F29")
async def test_a_processor_that_leaves_babbles_or_never_ends_fails_its_run_only(arena: Arena) -> None:
    org, at, gate = arena.org(6), time.monotonic(), str(arena.gate())
    asked = {
        (do, pipeline): await arena.accepted(org, pipeline, f"{do} {pipeline}", do=do, gate=gate, note=do)
        for do, pipeline in (("leave", ACT), ("babble", ACT), ("wait", BRIEF))
    }
    reasons = {}
    for (do, _), run_id in asked.items():
        assert await arena.ended(run_id, 20) == "FAILED"
        reasons[do] = (await arena.run(org, run_id))["error"]["reason"]
    assert reasons == {"leave": "PROCESSOR_ERROR", "babble": "PROCESSOR_ERROR", "wait": "STEP_TIMEOUT"}
    after = await arena.accepted(org, NOTHING, "after the odd ones")
    toll = await arena.charge("processors that leave, babble and never end", len(asked), at, [after])
    assert toll.harmless, toll


@pytest.mark.fault("F11", "F10")
@pytest.mark.promise("P3")
async def test_a_replica_whose_loop_is_held_past_the_lease_is_not_well_and_writes_nothing_afterwards(
    arena: Arena,
) -> None:
    org, gate = arena.org(7), arena.gate()
    async with arena.answering_only(), arena.replica(ROLE="worker") as first:
        run_id = await arena.accepted(org, ACT, "held", do="block", gate=str(gate), seconds=BLOCKED_SECONDS)
        await until(lambda: _there(gate), 20)
        fence, at = await arena.fence(run_id), time.monotonic()
        assert not await _well(arena, first)
        async with arena.replica(ROLE="worker"):
            toll = await arena.charge("an event loop held past the lease", 1, at, [run_id])
            written = await arena.written(run_id)
            await until(lambda: _well(arena, first), 30)
            assert await arena.written(run_id) == written
    assert toll.harmless, toll
    log = first.log.read_text()
    assert '"event": "event loop blocked"' in log
    assert "act.py" in log
    assert await arena.fence(run_id) > fence


def _deaths(arena: Arena) -> int:
    return arena.service.log.read_text(errors="replace").count('"event": "serving"')


async def _there(gate: Path) -> bool:
    return await asyncio.to_thread(gate.exists)


async def _well(arena: Arena, replica: Service) -> bool:
    """Whether a replica says within a second that it serves."""
    async with arena.running.answers.channel(f"127.0.0.1:{replica.environment['GRPC_PORT']}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=1)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
