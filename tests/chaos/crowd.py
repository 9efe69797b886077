"""Many callers of native gRPC at once, who ask for runs of nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from datapipeline.v1 import pipelines_pb2, pipelines_pb2_grpc

from tests.chaos.arena import Arena
from tests.fakes.org_client import OrgClient

CALLERS = 16


async def queued(arena: Arena, wanted: Iterable[tuple[OrgClient, str]]) -> list[str]:
    """Ask the sandbox's own replica for a run for each organisation and note; raises what it is refused by."""
    turns, accepted = iter(wanted), list[str]()
    async with arena.running.answers.channel(f"127.0.0.1:{arena.service.environment['GRPC_PORT']}") as channel:
        stub = pipelines_pb2_grpc.PipelineServiceStub(channel)

        async def caller() -> None:
            for org, note in turns:
                asked = pipelines_pb2.RunPipelineRequest(org=org.slug, provider="example", domain="smoke")
                asked.pipeline = "nothing"
                asked.parameters.update({"note": note})
                accepted.append((await stub.RunPipeline(asked, metadata=(("x-api-key", org.key),))).run_id)

        await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return accepted
