"""A replica that lost an actor for good: without an essential one it ends, without another it goes on."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path

import pytest

from server.vitals import ESSENTIAL
from tests.conformance.journal.conftest import Tasks, new_run
from tests.fakes.clock import ManualClock
from tests.unit.server.test_vitals import Pulse, vitals
from workers.adapters.journal import PostgresJournal
from workers.runtime.supervisor import Supervisor

BROKEN = 70
DEATHS = 6  # the sixth within a minute is one too many


async def _always_dies() -> None:
    raise RuntimeError("again")


@pytest.mark.parametrize(("actor", "well"), [*((name, False) for name in sorted(ESSENTIAL)), ("publisher", True)])
async def test_a_replica_without_an_essential_actor_is_not_ready(actor: str, *, well: bool) -> None:
    given_up = asyncio.Event()
    supervisor = Supervisor(ManualClock(), lambda: 0.0, lambda _name: given_up.set())
    supervisor.add(actor, _always_dies)
    supervisor.start()
    async with asyncio.timeout(5):
        await given_up.wait()
    watched = vitals(Pulse())
    watched.down = lambda: supervisor.down
    assert await watched.well() is well
    await supervisor.stop()


@pytest.mark.fault("F30")
@pytest.mark.engine
async def test_a_replica_whose_claimer_keeps_dying_stops_and_asks_to_be_started_again(
    journal_url: str, tmp_path: Path
) -> None:
    async with PostgresJournal.open(journal_url, spawn=Tasks(), roll=random.Random(7).random) as journal:
        for number in range(DEATHS):
            await journal.add(new_run(f"org_{number}"))
    environ = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(tmp_path),
        "JOURNAL_URL": journal_url,
        "BIGQUERY_EMULATOR_HOST": "127.0.0.1:1",
        "GRPC_PORT": "0",
        "METRICS_PORT": "0",
        "SHUTDOWN_GRACE_SECONDS": "0.5",
        "MAX_CONCURRENT_RUNS": "1",
        "FAILPOINTS": "claim.after=fail",
    }
    service = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", env=environ, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(30):
        _, said = await service.communicate()
    assert service.returncode == BROKEN, said.decode()[-2000:]
    assert '"actor": "claimer"' in said.decode()
