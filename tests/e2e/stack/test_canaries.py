"""No secret stands in anything that the stack or its annex has written or told; it runs last."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator

import asyncpg
import grpc.aio
import pytest
from datapipeline.v1 import pipelines_pb2, pipelines_pb2_grpc

from tests.e2e.stack.annex import Annex
from tests.e2e.stack.conftest import Annexed
from tests.fakes.canaries import Search, secrets_of
from tests.fakes.org_client import EXTRACT, NOTHING, OrgClient
from tests.fakes.outputs import files, journal_tables, warehouse_tables
from tests.fakes.until import until
from tests.plugins.sandbox import Running

pytestmark = pytest.mark.promise("P11")

Outputs = dict[str, bytes]


async def outputs(sandbox: Running, annex: Annex) -> Outputs:
    """Collect what was written and told."""
    said = dict(files(sandbox.stack.options.data_dir)) | dict(files(annex.folder / "data"))
    said |= {"the annex's log": (annex.folder / "service.log").read_bytes()}
    said |= {f"{one} {what}": text for one, url in urls(sandbox, annex) async for what, text in kept(url)}
    said |= await asyncio.to_thread(lambda: dict(warehouse_tables(sandbox.warehouse)))
    said |= {"metrics": (await sandbox.metrics()).encode(), "answers": bytes(sandbox.answers.text)}
    said |= {"traces": b"".join(span.SerializeToString() for span in annex.collector.spans)}
    return said | {"mails": "\n".join(map(str, annex.mail.mails)).encode()}


def urls(sandbox: Running, annex: Annex) -> tuple[tuple[str, str], ...]:
    return ("stack", sandbox.stack.environment["JOURNAL_URL"]), ("annex", annex.journal_url)


async def kept(url: str) -> AsyncIterator[tuple[str, bytes]]:
    connection = await asyncpg.connect(url)
    async for what, text in journal_tables(connection):
        yield what, text
    await connection.close()


async def known_natively(org: OrgClient, channel: grpc.aio.Channel, decoy: str) -> None:
    """Start a run by native gRPC and read it there; no other way tells of it."""
    service, metadata = pipelines_pb2_grpc.PipelineServiceStub(channel), (("x-api-key", org.key),)
    asked = pipelines_pb2.RunPipelineRequest(org=org.slug, provider="example", domain="smoke", pipeline="nothing")
    asked.parameters.update({"note": decoy})
    receipt = await service.RunPipeline(asked, metadata=metadata)
    await service.GetRun(pipelines_pb2.GetRunRequest(run_id=receipt.run_id), metadata=metadata)


async def test_no_secret_stands_in_anything_that_was_written_or_told(
    sandbox: Running, annexed: Annexed, native: grpc.aio.Channel
) -> None:
    decoy = f"decoy{secrets.token_hex(8)}"
    acme = sandbox.org("acme")
    await sandbox.faults({"kind": "status", "endpoint": "completions", "status": 401})
    failed = await acme.done(EXTRACT, date="2025-08-09", trigger_by=decoy)
    assert failed["error"]["reason"] == "PROVIDER_AUTH"
    await acme.done(NOTHING, note=decoy)
    await known_natively(acme, native, alone := f"native{secrets.token_hex(8)}")
    await annexed.annex.ended("priced", annexed.priced)
    published = "SELECT pipeline_logging_id FROM organizations.org_meta_pipeline_runs WHERE trigger_by = @decoy"
    await until(lambda: sandbox.query(published, decoy=decoy), 20, pause=0.25)
    said = await outputs(sandbox, annexed.annex)
    search = Search(secrets_of(sandbox.stack.options.data_dir, sandbox.stack.secrets))
    assert [line for where, text in said.items() for line in search.found(where, text)] == []
    told = {where for where, text in said.items() if Search({"decoy": decoy.encode()}).found(where, text)}
    assert told >= {"stack journal run", "answers", "warehouse organizations.org_meta_pipeline_runs"}
    assert alone.encode() in said["answers"]
    assert not [where for where in told if where.endswith(".log")]
    assert all(len(said[where]) > 1000 for where in ("metrics", "answers", "traces", "the annex's log"))
    assert len(said[str(sandbox.log)]) > 1000
