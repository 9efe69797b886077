"""Callers that send a byte at a time, or nothing more: the edge gives up on each, and serves everybody else."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.chaos.arena import Arena
from tests.fakes.org_client import NOTHING

SLOW, PATIENCE = 40, 40
TOO_LATE = {408, 504}
HALF = b"POST /api/v1/pipelines/run/org_0/example/smoke/nothing HTTP/1.1\r\nHost: x\r\nX-API-"
REST = "Key: {key}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"


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
