"""A stream outlives its key by thirty seconds at most: real server, service and directory on the clock of the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest
from attrs import frozen
from datapipeline.v1 import pipelines_pb2 as pb

from server.interceptors.auth import Auth
from tests.fakes.central import ListedCentral
from tests.fakes.clock import ManualClock
from tests.fakes.directory import sha256
from tests.plugins.service import ACME_KEY, AS_ACME, Serve, Served, refusal_of
from tests.unit.catalog.test_snapshot import PLANS, key, profile, subscription
from tests.unit.server.services.conftest import Desk
from workers.catalog import Catalog
from workers.catalog.orgs import Directory
from workers.runtime.watch import Watch

pytestmark = pytest.mark.engine

OUT_AFTER = 30
LATEST = 0.999999  # the roll that puts the next snapshot off for longest


@frozen
class Gate:
    """A server that knows keys by snapshots of `rows`, and a run that does not end."""

    served: Served
    rows: list[dict[str, Any]]
    clock: ManualClock
    run_id: str

    def watch(self, after: int = 0) -> Any:
        return self.served.pipelines.WatchRun(pb.WatchRunRequest(run_id=self.run_id, after=after), metadata=AS_ACME)

    def revoke(self) -> None:
        """Take the key out of the platform's table."""
        self.rows[:] = [row for row in self.rows if row["kind"] != "key"]

    async def while_time_passes(self, reading: asyncio.Task[Any]) -> Any:
        """Let time pass while the directory and the watch sleep, until the task has what it waits for."""
        while not reading.done():
            if self.clock.sleeping >= 2:
                self.clock.advance(0.25)
            await asyncio.sleep(0)
        return await reading


@pytest.fixture
async def gate(desk: Desk, serve: Serve, catalog: Catalog) -> AsyncIterator[Gate]:
    clock, sql = ManualClock(), catalog.schemas.sql("system/sql/directory.sql")
    rows = [profile(), subscription(), key(name=sha256(ACME_KEY))]
    directory = Directory(ListedCentral({sql: lambda _: rows}), catalog.schemas, PLANS, clock, lambda: LATEST)
    service = attrs.evolve(desk.service, watch=Watch(desk.journal, clock), clock=clock)
    served = await serve(service, clock=clock, auth=lambda *_: Auth(directory, None, clock.now, clock.monotonic))
    refreshing = asyncio.get_running_loop().create_task(directory.run())
    await clock.until_asleep()
    yield Gate(served, rows, clock, (await desk.run()).run_id)
    refreshing.cancel()
    await asyncio.gather(refreshing, return_exceptions=True)


async def test_a_stream_ends_within_thirty_seconds_of_its_keys_end_and_says_why(gate: Gate) -> None:
    stream = gate.watch()
    heard = [await stream.read()]
    gate.revoke()
    while heard[-1].type != "TERMINAL":
        heard.append(await gate.while_time_passes(asyncio.ensure_future(stream.read())))
    assert [event.type for event in heard[1:-1]] == ["HEARTBEAT"] * (len(heard) - 2)
    assert (heard[-1].status, heard[-1].error.code, heard[-1].sequence) == ("", "UNAUTHENTICATED", 1)
    refusal = await refusal_of(stream.read())
    assert (refusal.code, refusal.reason) == ("UNAUTHENTICATED", "KEY_INVALID")
    assert 20 < gate.clock.monotonic() < OUT_AFTER


async def test_a_watcher_that_has_heard_nothing_yet_is_refused_as_any_caller(gate: Gate) -> None:
    stream = gate.watch(after=99)
    asking = asyncio.ensure_future(stream.read())
    await gate.clock.until_asleep(2)
    gate.revoke()
    gate.clock.advance(25)
    with pytest.raises(Exception, match="UNAUTHENTICATED"):
        await gate.while_time_passes(asking)
    assert "x-request-id" not in dict(await stream.initial_metadata())
