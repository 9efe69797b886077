"""What is sent again, provoked on the wire: a write only if no service had it, a read unless an answer has begun."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import grpc.aio
import pytest
import pytest_asyncio
from attrs import frozen
from datapipeline.v1 import pipelines_pb2, pipelines_pb2_grpc

from sandbox.edge import Edge
from tests.fakes.http2_upstream import Act, Http2Upstream
from tests.fakes.rest_client import GET_RUN, RUN, RUN_ID, RestClient
from tests.fakes.until import until

CALLS = 40
READ, WRITE = ("GET", GET_RUN), ("POST", RUN)
NOT_TAKEN = [Act.REFUSE, Act.GO_AWAY]
LOST = [Act.UNAVAILABLE, Act.RESET, Act.DIE]


@frozen
class Pair:
    """Two replicas behind one Envoy that looks at their health once, so that only calls find out what is wrong."""

    one: Http2Upstream
    other: Http2Upstream
    edge: Edge
    rest: RestClient
    stub: Any

    @property
    def taken(self) -> int:
        """Calls that any of them had."""
        return self.one.taken + self.other.taken


@pytest_asyncio.fixture(scope="module")
async def replicas(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    async with Http2Upstream().listening() as one, Http2Upstream().listening() as other:
        other.script = one.script
        told = ("--upstream", other.address, "--seconds", "health_interval=3600")
        edge = Edge(one.address, tmp_path_factory.mktemp("retries"), arguments=told, concurrency=1)
        await edge.start()
        await edge.healthy()
        async with aiohttp.ClientSession() as session, grpc.aio.insecure_channel(edge.listen) as channel:
            stub = pipelines_pb2_grpc.PipelineServiceStub(channel)
            yield Pair(one, other, edge, RestClient(edge.rest, session), stub)
        await edge.stop()


@pytest.fixture
def pair(replicas: Pair) -> Pair:
    """Both replicas without what earlier tests left."""
    replicas.one.script.clear()
    replicas.one.taken = replicas.other.taken = 0
    return replicas


@pytest.mark.parametrize("act", NOT_TAKEN)
@pytest.mark.parametrize(("method", "path"), [READ, WRITE])
async def test_what_no_replica_took_is_sent_again(pair: Pair, act: Act, method: str, path: str) -> None:
    pair.one.script[:] = [act, act]
    assert (await pair.rest.ask(method, path)).status == 200
    assert (pair.taken, pair.one.script) == (1, [])


@pytest.mark.parametrize("act", LOST)
async def test_a_write_that_a_replica_took_is_never_sent_again(pair: Pair, act: Act) -> None:
    pair.one.script[:] = [act]
    assert (await pair.rest.ask(*WRITE)).status == 503
    assert pair.taken == 1


@pytest.mark.parametrize("act", LOST)
async def test_a_read_that_a_replica_took_is_sent_again(pair: Pair, act: Act) -> None:
    pair.one.script[:] = [act, act]
    assert (await pair.rest.ask(*READ)).status == 200
    assert pair.taken == 3


@pytest.mark.parametrize(("act", "taken"), [(Act.REFUSE, 1), (Act.DIE, 1), (Act.UNAVAILABLE, 1)])
async def test_a_native_write_follows_the_same_rule(pair: Pair, act: Act, taken: int) -> None:
    pair.one.script[:] = [act]
    call = pair.stub.CancelRun(pipelines_pb2.CancelRunRequest(run_id=RUN_ID))
    code = await call.code()
    assert code == (grpc.StatusCode.OK if act is Act.REFUSE else grpc.StatusCode.UNAVAILABLE)
    assert pair.taken == taken


async def test_a_write_whose_connection_is_refused_is_taken_once_by_the_other_replica(pair: Pair) -> None:
    await pair.other.stop()

    async def noticed() -> bool:
        return await pair.edge.gauge("cluster.service.upstream_cx_active") <= 1

    await until(noticed)
    replies = [await pair.rest.ask(*WRITE) for _ in range(CALLS)]
    assert {reply.status for reply in replies} == {200}
    assert (pair.one.taken, pair.other.taken) == (CALLS, 0)
    assert await pair.edge.gauge("cluster.service.outlier_detection.ejections_active") == 1
    await pair.other.start()
