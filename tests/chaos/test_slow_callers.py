"""Callers that send nothing more, or far too much: the edge gives up on each, and serves everybody else."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Sequence

import pytest

from tests.chaos.arena import Arena
from tests.fakes.http2_frames import Frame, Type, call, connected
from tests.fakes.org_client import NOTHING

SLOW, PATIENCE = 40, 40
TOO_LATE = {408, 504}
HALF = b"POST /api/v1/pipelines/run/org_0/example/smoke/nothing HTTP/1.1\r\nHost: x\r\nX-API-"
REST = "Key: {key}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"

FLOODERS = 4
WATCH = "/datapipeline.v1.PipelineService/WatchRun"
CANCEL = struct.pack(">I", 8)
FLOODS = {
    "resets": [
        frame
        for stream in range(1, 4001, 2)
        for frame in (call(stream, WATCH), Frame(Type.RST_STREAM, 0, stream, CANCEL))
    ],
    "pings": [Frame(Type.PING, 0, 0, bytes(8))] * 200_000,
    "continuations": [Frame(Type.HEADERS, 0, 1, b""), *[Frame(Type.CONTINUATION, 0, 1, b"")] * 10_000],
}


@pytest.mark.fault("F68")
async def test_callers_that_never_end_their_request_are_given_up_and_nobody_else_waits(arena: Arena) -> None:
    at, rest = time.monotonic(), REST.format(key=arena.org(0).key).encode()
    async with asyncio.TaskGroup() as group:
        slow = [group.create_task(_given_up(arena, HALF + rest * (n % 2))) for n in range(SLOW)]
        acked = [await arena.accepted(arena.org(0), NOTHING, f"quick {n}", note=f"quick {n}") for n in range(10)]
        assert {await arena.ended(run_id) for run_id in acked} == {"COMPLETED"}
    toll = await arena.charge("callers that never end their request", SLOW, at, acked)
    assert toll.harmless, toll
    assert {task.result() for task in slow} <= TOO_LATE


@pytest.mark.fault("F67")
@pytest.mark.parametrize("flood", FLOODS)
async def test_floods_of_frames_end_their_connections_and_no_call_of_others(arena: Arena, flood: str) -> None:
    at, edge = time.monotonic(), arena.running.stack.edge.listen
    async with asyncio.TaskGroup() as group:
        floods = [group.create_task(_flooded(edge, FLOODS[flood])) for _ in range(FLOODERS)]
        acked = [await arena.accepted(arena.org(1), NOTHING, f"{flood} {n}", note=f"{flood} {n}") for n in range(10)]
    assert all(task.result() for task in floods)
    toll = await arena.charge(f"{FLOODERS} floods of {flood}", FLOODERS, at, acked)
    assert toll.harmless, toll


async def _flooded(address: str, frames: Sequence[Frame]) -> bool:
    """Send frames until the edge has closed the connection."""
    async with connected(address) as connection:
        connection.send(*frames)
        _ = [frame async for frame in connection.frames()]
        return True


async def _given_up(arena: Arena, sent: bytes) -> int:
    """Send no more than that, and return the status with which the edge closes the connection."""
    host, _, port = arena.running.stack.edge.listen.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(sent)
        async with asyncio.timeout(PATIENCE):
            answer = await reader.read()
    finally:
        writer.close()
    return int(answer.split(b" ", 2)[1])
