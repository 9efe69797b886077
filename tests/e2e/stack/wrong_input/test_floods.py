"""Too much on one connection ends that connection, and nobody else notices."""

from __future__ import annotations

import struct

import pytest

from tests.e2e.stack.wrong_input.scene import Door, Scene
from tests.fakes.http2_frames import MAX_CONCURRENT_STREAMS, Frame, Type, call, connected
from tests.fakes.until import until
from tests.plugins.sandbox import sample

WATCH = "/datapipeline.v1.PipelineService/WatchRun"
CANCEL = struct.pack(">I", 8)


async def streams(stage: Scene) -> float:
    """Return how many calls the edge has under way at the service."""
    async with stage.rest.session.get(
        f"{stage.hasty.admin}/stats/prometheus?filter=service.upstream_rq_active"
    ) as said:
        return sample(await said.text(), 'envoy_cluster_upstream_rq_active{envoy_cluster_name="service"}')


@pytest.mark.item("D57")
async def test_a_connection_has_a_hundred_streams_at_most(stage: Scene) -> None:
    before = await stage.settled()
    async with connected(stage.address(Door.HASTY)) as connection:
        settings = await connection.until(Type.SETTINGS)
        assert settings is not None
        assert dict(struct.iter_unpack(">HI", settings.payload))[MAX_CONCURRENT_STREAMS] == 100
        connection.send(*(call(stream, WATCH) for stream in range(1, 2001, 2)))
        refused = await connection.until(Type.RST_STREAM)
        assert refused is None or refused.stream > 200
        assert await streams(stage) <= 100
        await stage.serves(Door.HASTY)
    assert await until(lambda: _none(stage))
    assert await stage.settled() == before


@pytest.mark.item("D59")
@pytest.mark.fault("F67")
async def test_a_flood_of_resets_closes_its_connection_and_no_other(stage: Scene) -> None:
    before = await stage.settled()
    async with connected(stage.address(Door.HASTY)) as connection:
        for stream in range(1, 4001, 2):
            connection.send(call(stream, WATCH), Frame(Type.RST_STREAM, 0, stream, CANCEL))
        ended = [frame.type async for frame in connection.frames()]
    assert len(ended) < 2000
    await stage.serves(Door.HASTY)
    assert await until(lambda: _none(stage))
    assert await stage.settled() == before


async def _none(stage: Scene) -> bool:
    return await streams(stage) == 0
