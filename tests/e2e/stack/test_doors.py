"""The other doors: native gRPC, gRPC-Web, reflection, health, both spellings of a path, and what is not done yet."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import grpc.aio
import pytest
from datapipeline.v1 import pipelines_pb2, pipelines_pb2_grpc, run_pb2
from google.protobuf.struct_pb2 import Struct

from tests.fakes.org_client import NOTHING, OrgClient
from tests.plugins.sandbox import Running
from tests.plugins.service import refusal_of

GRPCURL = Path(sys.executable).parent / "grpcurl"
SERVICES = {"PipelineService", "SchedulerService", "ProcedureService", "HealthService"}


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
async def test_health_is_open_to_all(sandbox: Running, path: str) -> None:
    told, head = await sandbox.rest.ask("GET", path), await sandbox.rest.ask("HEAD", path)
    assert told.json["status"] in {"healthy", "alive", "ready"}
    assert (told.status, head.status, head.body) == (200, 200, b"")


async def test_health_says_who_it_is(sandbox: Running) -> None:
    told = (await sandbox.rest.ask("GET", "/health")).json
    assert (told["service"], told["environment"]) == ("data-pipeline-service", "development")
    assert told["version"]


@pytest.mark.parametrize("domain", ["", "-"], ids=["empty", "dash"])
async def test_both_spellings_of_no_domain_are_the_same_path(quick: OrgClient, domain: str) -> None:
    reply = await quick.ask("POST", f"/api/v1/pipelines/run/quick/anthropic/{domain}/absent", "{}")
    assert reply.refusal == (404, 5, "PIPELINE_NOT_FOUND")
    assert reply.info["metadata"]["pipeline"].replace("//", "/") == "anthropic/absent"


async def test_what_is_not_done_yet_says_so(acme: OrgClient) -> None:
    reply = await acme.ask("POST", "/api/v1/pipelines/plan/acme/openai/cost/usage_cost", "{}")
    assert reply.refusal == (501, 12, "NOT_IMPLEMENTED")
    assert "does not do it yet" in reply.json["message"]


@pytest.mark.parametrize(
    "call", ["GET /api/v1/procedures", "GET /api/v1/procedures/files", "POST /api/v1/procedures/sync"]
)
async def test_procedures_take_the_root_key_only(sandbox: Running, acme: OrgClient, call: str) -> None:
    method, _, path = call.partition(" ")
    root = {"X-CA-Root-Key": sandbox.stack.secrets.root_key}
    assert (await acme.ask(method, path)).refusal == (403, 7, "KEY_KIND_NOT_ALLOWED")
    assert (await sandbox.rest.ask(method, path, root)).status == 200


async def test_native_grpc_does_the_same_job(quick: OrgClient, native: grpc.aio.Channel) -> None:
    service = pipelines_pb2_grpc.PipelineServiceStub(native)
    asked = pipelines_pb2.RunPipelineRequest(org="quick", provider="example", domain="smoke", pipeline="nothing")
    asked.parameters.CopyFrom(Struct(fields={}))
    metadata = (("x-api-key", quick.key), ("idempotency-key", "native"))
    receipt = await service.RunPipeline(asked, metadata=metadata)
    watched = service.WatchRun(pipelines_pb2.WatchRunRequest(run_id=receipt.run_id), metadata=metadata)
    assert [event.type async for event in watched][-1] == "TERMINAL"
    run = await service.GetRun(pipelines_pb2.GetRunRequest(run_id=receipt.run_id), metadata=metadata)
    assert run.status == "COMPLETED"
    assert (await service.RunPipeline(asked, metadata=metadata)).existing


async def test_native_grpc_is_refused_with_the_same_details(quick: OrgClient, native: grpc.aio.Channel) -> None:
    service = pipelines_pb2_grpc.PipelineServiceStub(native)
    asked = pipelines_pb2.RunPipelineRequest(org="quick", provider="../x", domain="", pipeline="")
    refusal = await refusal_of(service.RunPipeline(asked, metadata=(("x-api-key", quick.key),)))
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "REQUEST_INVALID")
    assert refusal.violations.keys() == {"provider", "pipeline"}


async def test_grpc_web_does_too(quick: OrgClient) -> None:
    run = await quick.done(NOTHING, note="web")
    message = pipelines_pb2.GetRunRequest(run_id=run["run_id"]).SerializeToString()
    kind = "application/grpc-web+proto"
    frame = b"\x00" + len(message).to_bytes(4) + message
    path = "/datapipeline.v1.PipelineService/GetRun"
    reply = await quick.ask("POST", path, frame, Content_Type=kind, X_Grpc_Web="1")
    size = int.from_bytes(reply.body[1:5])
    assert run_pb2.Run.FromString(reply.body[5 : 5 + size]).status == "COMPLETED"
    assert b"grpc-status:0" in reply.body.replace(b" ", b"")


async def test_grpcurl_lists_describes_and_calls(sandbox: Running, quick: OrgClient) -> None:
    assert {f"datapipeline.v1.{name}" for name in SERVICES} <= set((await grpcurl(sandbox, "list")).split())
    assert "rpc RunPipeline" in await grpcurl(sandbox, "describe", "datapipeline.v1.PipelineService")
    assert json.loads(await grpcurl(sandbox, "grpc.health.v1.Health/Check")) == {"status": "SERVING"}
    method = "datapipeline.v1.PipelineService/ListPipelines"
    listed = json.loads(await grpcurl(sandbox, method, options=("-H", f"x-api-key: {quick.key}")))
    assert {one["pipeline"] for one in listed["pipelines"]} >= {"nothing", "usage_cost"}


async def grpcurl(sandbox: Running, *asked: str, options: Sequence[str] = ()) -> str:
    process = await asyncio.create_subprocess_exec(
        *(str(GRPCURL), "-plaintext", *options, sandbox.stack.edge.listen, *asked),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said
    sandbox.answers.keep(said)
    return said.decode()
