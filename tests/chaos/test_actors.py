"""An actor that crashes again and again takes its replica down at last; what it held is done by the next one."""

from __future__ import annotations

import time

import pytest

from sandbox.parts import free_port
from sandbox.service import Service
from tests.chaos.arena import ORGS, Arena
from tests.fakes.org_client import NOTHING
from tests.fakes.until import until

BROKEN = 70  # what a replica ends with that lost an actor it cannot do without
DEATHS = 6  # the sixth within a minute is one too many


@pytest.mark.fault("F30")
@pytest.mark.promise("P1", "P13")
async def test_a_replica_whose_claimer_keeps_crashing_ends_and_the_next_one_does_its_runs(arena: Arena) -> None:
    ports = {"GRPC_PORT": str(free_port()), "METRICS_PORT": str(free_port())}
    broken = {"ROLE": "worker", "MAX_CONCURRENT_RUNS": "1", "FAILPOINTS": "claim.after=fail"}
    async with arena.answering_only():
        replica = Service({**arena.service.environment, **ports, **broken}, arena.folder / "crashing.log")
        at, notes = time.monotonic(), [f"crash loop {number}" for number in range(2 * len(ORGS))]
        acked = [await arena.accepted(arena.org(n % len(ORGS)), NOTHING, t, note=t) for n, t in enumerate(notes)]
        await replica.start()
        try:
            await until(lambda: _ended(replica), 60, pause=0.1)
        finally:
            await replica.stop()
        assert replica.exit_code == BROKEN
        assert replica.log.read_text().count('"actor": "claimer"') >= DEATHS
        async with arena.replica(ROLE="worker"):
            toll = await arena.charge("a claimer that crashes again and again", DEATHS, at, acked)
    assert toll.harmless, toll


async def _ended(replica: Service) -> bool:
    return replica.exit_code is not None
