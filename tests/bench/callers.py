"""Callers of the service, by gRPC and by REST, many at a time."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import aiohttp
import grpc
from attrs import frozen
from datapipeline.v1 import pipelines_pb2, pipelines_pb2_grpc
from google.protobuf.struct_pb2 import Struct

Call = Callable[[int], Awaitable[str]]
NOTHING = ("example", "smoke", "nothing")


@frozen
class Load:
    """What a number of calls gave: run ids, seconds of each, seconds in all."""

    run_ids: tuple[str, ...]
    seconds: tuple[float, ...]
    took: float

    @property
    def rate(self) -> float:
        """Calls a second."""
        return len(self.run_ids) / self.took


async def load(call: Call, calls: int, callers: int) -> Load:
    """Make `calls` calls from `callers` callers, each with its own number."""
    numbers = itertools.count()
    run_ids: list[str] = []
    seconds: list[float] = []

    async def caller() -> None:
        while (number := next(numbers)) < calls:
            began = time.perf_counter()
            run_ids.append(await call(number))
            seconds.append(time.perf_counter() - began)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(caller())
    return Load(tuple(run_ids), tuple(seconds), time.perf_counter() - began)


@frozen
class GrpcCaller:
    """Submits runs of nothing by native gRPC, in turn for every organisation."""

    stub: pipelines_pb2_grpc.PipelineServiceStub
    orgs: Sequence[Mapping[str, str]]
    tag: str

    async def __call__(self, number: int) -> str:
        """Submit one run with parameters of its own."""
        org = self.orgs[number % len(self.orgs)]
        parameters = Struct()
        parameters.update({"note": f"{self.tag}-{number}"})
        provider, domain, pipeline = NOTHING
        request = pipelines_pb2.RunPipelineRequest(
            org=org["slug"], provider=provider, domain=domain, pipeline=pipeline, parameters=parameters
        )
        answer = await self.stub.RunPipeline(request, metadata=(("x-api-key", org["api_key"]),))
        return str(answer.run_id)


@frozen
class RestCaller:
    """Submits runs of nothing by REST through the edge."""

    session: aiohttp.ClientSession
    rest: str
    orgs: Sequence[Mapping[str, str]]
    tag: str

    async def __call__(self, number: int) -> str:
        """Submit one run with parameters of its own."""
        org = self.orgs[number % len(self.orgs)]
        url = f"{self.rest}/api/v1/pipelines/run/{org['slug']}/{'/'.join(NOTHING)}"
        headers = {"X-API-Key": org["api_key"]}
        async with self.session.post(url, json={"note": f"{self.tag}-{number}"}, headers=headers) as answer:
            body: dict[str, Any] = await answer.json()
            if answer.status != 200:
                raise RuntimeError(f"refused: {body}")
            return str(body["run_id"])


def stub(address: str) -> tuple[grpc.aio.Channel, pipelines_pb2_grpc.PipelineServiceStub]:
    """Return a channel to close and a stub on it."""
    channel = grpc.aio.insecure_channel(address)
    return channel, pipelines_pb2_grpc.PipelineServiceStub(channel)
