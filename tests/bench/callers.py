"""Requests to submit runs of nothing, each with parameters of its own, and who sends them, many at a time."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import grpc
from attrs import frozen
from datapipeline.v1 import pipelines_pb2, pipelines_pb2_grpc
from google.protobuf.struct_pb2 import Struct

from tests.bench.compiled import run_tool

RUN_PIPELINE = "/datapipeline.v1.PipelineService/RunPipeline"
NOTHING = ("example", "smoke", "nothing")
GRPC, JSON = "application/grpc", "application/json"

Org = Mapping[str, str]


@frozen
class Asked:
    """A request as it goes over the wire; a gRPC body has its five bytes of frame."""

    path: str
    key: str
    kind: str
    body: bytes

    @property
    def line(self) -> str:
        """What the compiled tool reads."""
        return f"{self.path}\t{self.key}\t{self.kind}\t{self.body.hex()}\n"


@frozen
class Load:
    """What a number of calls took: seconds of each, seconds in all, and CPU seconds of whoever sent them."""

    seconds: Sequence[float]
    took: float
    cpu: float
    sender: str

    @property
    def rate(self) -> float:
        """Calls a second."""
        return len(self.seconds) / self.took


def by_grpc(orgs: Sequence[Org], tag: str, calls: int) -> list[Asked]:
    """Return requests of native gRPC, in turn for every organisation."""
    return [
        Asked(RUN_PIPELINE, org["api_key"], GRPC, _framed(request(org, note))) for org, note in _turns(orgs, tag, calls)
    ]


def by_rest(orgs: Sequence[Org], tag: str, calls: int) -> list[Asked]:
    """Return requests of REST, likewise."""
    path = f"/api/v1/pipelines/run/{{}}/{'/'.join(NOTHING)}"
    return [
        Asked(path.format(org["slug"]), org["api_key"], JSON, json.dumps({"note": note}).encode())
        for org, note in _turns(orgs, tag, calls)
    ]


def request(org: Org, note: str) -> pipelines_pb2.RunPipelineRequest:
    """Make the message that submits a run."""
    parameters = Struct()
    parameters.update({"note": note})
    provider, domain, pipeline = NOTHING
    return pipelines_pb2.RunPipelineRequest(
        org=org["slug"], provider=provider, domain=domain, pipeline=pipeline, parameters=parameters
    )


async def submit(stub: pipelines_pb2_grpc.PipelineServiceStub, org: Org, note: str) -> str:
    """Submit one run and return its id."""
    answer = await stub.RunPipeline(request(org, note), metadata=(("x-api-key", org["api_key"]),))
    return str(answer.run_id)


def stub(address: str) -> tuple[grpc.aio.Channel, pipelines_pb2_grpc.PipelineServiceStub]:
    """Return a channel to close and a stub on it."""
    channel = grpc.aio.insecure_channel(address.removeprefix("http://"))
    return channel, pipelines_pb2_grpc.PipelineServiceStub(channel)


async def load(tool: Path | None, url: str, asked: Sequence[Asked], callers: int) -> Load:
    """Send every request, so many at a time, by the compiled tool or, without it, from here."""
    address = url.removeprefix("http://")
    if tool is not None:
        told = await run_tool(tool, address, "".join(one.line for one in asked), callers)
        return Load(told.seconds, told.took, told.cpu, "a compiled client")
    cpu = time.process_time()
    seconds, took = await (_grpc if asked[0].kind == GRPC else _rest)(address, asked, callers)
    return Load(seconds, took, time.process_time() - cpu, "a Python client")


async def _grpc(address: str, asked: Sequence[Asked], callers: int) -> tuple[list[float], float]:
    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.unary_unary(RUN_PIPELINE, request_serializer=bytes, response_deserializer=bytes)

        async def send(one: Asked) -> None:
            await call(one.body[5:], metadata=(("x-api-key", one.key),))

        return await _crowd(send, asked, callers)


async def _rest(address: str, asked: Sequence[Asked], callers: int) -> tuple[list[float], float]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=callers)) as session:

        async def send(one: Asked) -> None:
            headers = {"X-API-Key": one.key, "Content-Type": one.kind}
            async with session.post(f"http://{address}{one.path}", data=one.body, headers=headers) as answer:
                if answer.status != 200:
                    raise RuntimeError(f"refused: {await answer.text()}")
                await answer.read()

        return await _crowd(send, asked, callers)


async def _crowd(send: Any, asked: Sequence[Asked], callers: int) -> tuple[list[float], float]:
    left, seconds = iter(asked), list[float]()

    async def caller() -> None:
        for one in left:
            began = time.perf_counter()
            await send(one)
            seconds.append(time.perf_counter() - began)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(caller())
    return seconds, time.perf_counter() - began


def _turns(orgs: Sequence[Org], tag: str, calls: int) -> itertools.islice[tuple[Org, str]]:
    named = ((org, f"{tag}-{number}") for number, org in enumerate(itertools.cycle(orgs)))
    return itertools.islice(named, calls)


def _framed(message: pipelines_pb2.RunPipelineRequest) -> bytes:
    body = message.SerializeToString()
    return b"\0" + len(body).to_bytes(4, "big") + body
