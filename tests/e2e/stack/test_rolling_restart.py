"""Two replicas behind one Envoy are restarted in turn under steady calls: none fails, and every run is stored once.

What makes it so: a replica that is told to stop says NOT_SERVING first and goes on serving for most of its grace
(`server/lifecycle.py`); Envoy looks often enough to have left it by then and acts on the first NOT_SERVING
(`health_interval`, `update_merge_window`); what crosses the last moment is refused unread, and goes to the other
replica (`retry_host_predicate`).
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest
from attrs import define, field
from datapipeline.v1 import pipelines_pb2, pipelines_pb2_grpc
from google.protobuf.struct_pb2 import Struct

from sandbox.edge import Edge
from sandbox.parts import Part, free_port
from sandbox.service import Service
from tests.fakes.org_client import NOTHING, OrgClient
from tests.fakes.rest_client import RestClient
from tests.fakes.until import until
from tests.plugins.sandbox import Running

GRACE_SECONDS, HEALTH_SECONDS, PAUSE_SECONDS = "1.5", "0.1", 0.01


@define
class Load:
    """Callers that go on until they are stopped; whatever is not an answer to a call ends them."""

    org: OrgClient
    stub: Any
    accepted: list[str] = field(factory=list)
    reads: int = 0
    _stop: asyncio.Event = field(factory=asyncio.Event)
    _notes: itertools.count[int] = field(factory=itertools.count)

    async def by_rest(self) -> None:
        while await self._goes_on():
            run_id = await self.org.accepted(NOTHING, note=str(next(self._notes)))
            self.accepted.append(run_id)
            assert (await self.org.run(run_id))["run_id"] == run_id
            self.reads += 1

    async def by_grpc(self) -> None:
        key = (("x-api-key", self.org.key),)
        while await self._goes_on():
            asked = pipelines_pb2.RunPipelineRequest(org=self.org.slug, provider="example", domain="smoke")
            asked.pipeline, given = "nothing", Struct()
            given.update({"note": str(next(self._notes))})
            asked.parameters.CopyFrom(given)
            run_id = (await self.stub.RunPipeline(asked, metadata=key)).run_id
            self.accepted.append(run_id)
            assert (await self.stub.GetRun(pipelines_pb2.GetRunRequest(run_id=run_id), metadata=key)).run_id == run_id
            self.reads += 1

    def stop(self) -> None:
        """Let each caller end its call."""
        self._stop.set()

    async def _goes_on(self) -> bool:
        try:
            async with asyncio.timeout(PAUSE_SECONDS):
                return not await self._stop.wait()
        except TimeoutError:
            return True


def replica(sandbox: Running, folder: Path) -> Service:
    """Describe a replica that takes runs into a journal of this test's own, where nobody works on them."""
    changed = {
        "ROLE": "api",
        "DATA_DIR": str(folder),
        "JOURNAL_URL": journal_url(sandbox),
        "GRPC_PORT": str(free_port()),
        "METRICS_PORT": str(free_port()),
        "SHUTDOWN_GRACE_SECONDS": GRACE_SECONDS,
        "MAX_WAITING_RUNS_PER_ORG": "100000",
    }
    folder.mkdir()
    return Service(sandbox.stack.environment | changed, folder / "service.log")


def journal_url(sandbox: Running) -> str:
    return sandbox.stack.environment["JOURNAL_URL"].rpartition("/")[0] + "/rolling"


def address(service: Service) -> str:
    return f"127.0.0.1:{service.environment['GRPC_PORT']}"


@asynccontextmanager
async def front(one: Service, other: Service, folder: Path) -> AsyncIterator[Edge]:
    """Start both replicas, and Envoy before them."""
    told = ("--upstream", address(other), "--seconds", f"health_interval={HEALTH_SECONDS}")
    edge = Edge(address(one), folder, arguments=told, concurrency=1)
    async with AsyncExitStack() as stack:
        parts: tuple[Part, ...] = (one, other, edge)
        for part in parts:
            stack.push_async_callback(part.stop)
        await asyncio.gather(*(part.start() for part in parts))
        yield edge


async def all_serve(edge: Edge) -> None:
    async def both() -> bool:
        return await edge.gauge("cluster.service.membership_healthy") == 2

    await until(both)


@pytest.mark.engine
async def test_no_call_fails_and_no_run_is_lost_or_doubled(sandbox: Running, tmp_path: Path) -> None:
    await sandbox.journal.execute("CREATE DATABASE rolling")
    one, other = (replica(sandbox, tmp_path / name) for name in ("one", "other"))
    async with (
        front(one, other, tmp_path / "edge") as edge,
        aiohttp.ClientSession(trust_env=False, trace_configs=[sandbox.answers.tracing()]) as session,
        sandbox.answers.channel(edge.listen) as channel,
    ):
        await all_serve(edge)
        quick = OrgClient("quick", sandbox.org("quick").key, RestClient(edge.rest, session, sandbox.answers))
        load = Load(quick, pipelines_pb2_grpc.PipelineServiceStub(channel))
        async with asyncio.TaskGroup() as callers:
            for caller in (load.by_rest, load.by_rest, load.by_grpc, load.by_grpc):
                callers.create_task(caller())
            await one.stop()
            await one.start()
            await all_serve(edge)
            await other.stop()
            load.stop()
    assert load.reads == len(load.accepted) > 100
    await stored_once(sandbox, load.accepted)


async def stored_once(sandbox: Running, accepted: list[str]) -> None:
    journal = await asyncpg.connect(journal_url(sandbox))
    stored = [str(row["run_id"]) for row in await journal.fetch("SELECT run_id FROM run")]
    await journal.close()
    assert sorted(stored) == sorted(accepted)
