"""Audit rows: who did what with which outcome, whatever becomes of the writing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from datapipeline.v1.pipelines_pb2 import GetRunRequest, RunPipelineRequest
from datapipeline.v1.procedures_pb2 import DeleteProcedureRequest

from server.call import Call
from server.interceptors import audit
from server.interceptors.audit import address
from server.interceptors.meters import audit_lost
from server.interceptors.policies import OPEN
from tests.fakes.recording_pipelines import RecordingPipelines
from tests.plugins.service import ACME_KEY, AS_ACME, AS_ROOT, Serve, refusal_of
from workers.model.failure import Code, Reason, refused

START = RunPipelineRequest(org="acme", provider="openai", pipeline="usage_cost")


async def test_an_audited_call_leaves_a_row_with_what_it_made(serve: Serve) -> None:
    served = await serve(RecordingPipelines())
    await served.pipelines.RunPipeline(START, metadata=(*AS_ACME, ("x-request-id", "req-1")))
    (row,) = served.ledger.rows
    assert (row["org_slug"], row["api_key_id"], row["request_id"]) == ("acme", "key-of-acme", "req-1")
    assert (row["action"], row["resource_type"], row["resource_id"]) == ("EXECUTE", "PIPELINE", "run-1")
    assert (row["status"], row["error_message"], row["ip_address"]) == ("SUCCESS", None, "127.0.0.1")
    assert ACME_KEY not in repr(row)


@pytest.mark.parametrize(
    ("code", "status"), [(Code.PERMISSION_DENIED, "DENIED"), (Code.NOT_FOUND, "FAILURE"), (None, "FAILURE")]
)
async def test_a_call_that_fails_leaves_its_outcome(serve: Serve, code: Code | None, status: str) -> None:
    async def fail(_request: Any, _call: Any) -> Any:
        raise refused(code, Reason.SUBSCRIPTION_INACTIVE, "no") if code else RuntimeError("secret")

    served = await serve(RecordingPipelines(instead=fail))
    await refusal_of(served.pipelines.RunPipeline(START, metadata=AS_ACME))
    (row,) = served.ledger.rows
    assert (row["status"], row["resource_id"]) == (status, "usage_cost")
    assert "secret" not in repr(row)


async def test_reading_is_not_audited(serve: Serve) -> None:
    served = await serve(RecordingPipelines())
    await served.pipelines.GetRun(GetRunRequest(run_id="0f7b1c9e-43d5-4d5c-9a2b-1e6f8a7b9c0d"), metadata=AS_ACME)
    assert not served.ledger.rows


async def test_the_root_key_acts_for_the_platform(serve: Serve) -> None:
    served = await serve(RecordingPipelines())
    await refusal_of(served.procedures.DeleteProcedure(DeleteProcedureRequest(name="p1"), metadata=AS_ROOT))
    (row,) = served.ledger.rows
    assert (row["org_slug"], row["api_key_id"], row["resource_id"]) == ("platform", "root", "p1")


async def test_a_row_that_cannot_be_written_changes_no_answer_and_is_counted(serve: Serve) -> None:
    async def broken() -> None:
        raise OSError("journal away")

    served = await serve(RecordingPipelines())
    served.ledger.before, lost = broken, audit_lost._value.get()
    assert (await served.pipelines.RunPipeline(START, metadata=AS_ACME)).run_id == "run-1"
    assert audit_lost._value.get() == lost + 1


async def test_a_journal_that_hangs_holds_up_an_answer_only_so_long(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "WRITE_SECONDS", 0.05)
    served = await serve(RecordingPipelines())
    served.ledger.before = asyncio.Event().wait  # type: ignore[assignment]
    assert (await served.pipelines.RunPipeline(START, metadata=AS_ACME)).run_id == "run-1"
    assert not served.ledger.rows


@pytest.mark.fault("F33")
async def test_a_caller_that_hangs_up_is_audited_too(serve: Serve) -> None:
    started, written = asyncio.Event(), asyncio.Event()

    async def wait(_request: Any, _call: Any) -> Any:
        started.set()
        await asyncio.Event().wait()

    async def note() -> None:
        written.set()

    served = await serve(RecordingPipelines(instead=wait))
    served.ledger.before = note
    call = served.pipelines.RunPipeline(START, metadata=AS_ACME)
    async with asyncio.timeout(5):
        await started.wait()
        call.cancel()
        await written.wait()


@pytest.mark.parametrize(
    ("peer", "forwarded", "seen"),
    [
        ("ipv4:127.0.0.1:5000", "203.0.113.9", "203.0.113.9"),
        ("ipv4:127.0.0.1:5000", "10.9.9.9, 203.0.113.9", "203.0.113.9"),
        ("ipv4:127.0.0.1:5000", "<script>", "127.0.0.1"),
        ("ipv6:%5B::1%5D:5000", "203.0.113.9", "203.0.113.9"),
        ("ipv4:198.51.100.4:5000", "203.0.113.9", "198.51.100.4"),
        ("unix:/tmp/socket", "", None),
    ],
)
def test_only_the_edge_on_this_host_is_believed_about_addresses(peer: str, forwarded: str, seen: str | None) -> None:
    assert address(Call("/m", OPEN, {"x-forwarded-for": (forwarded,)}, peer=peer)) == seen
