"""Why runs wait, asked over REST and native gRPC of the running stack; test_provider_failures asks why runs failed.

What a dead worker leaves is written into the journal as it leaves it: killing the stack's service is for others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import grpc.aio
import pytest_asyncio
from attrs import frozen
from datapipeline.v1 import pipelines_pb2, pipelines_pb2_grpc
from google.protobuf.json_format import MessageToDict

from tests.fakes.org_client import EXTRACT, Json, OrgClient
from tests.fakes.until import until
from tests.plugins.sandbox import CENTRAL, MEND_AT, Running

HANG = {"kind": "hang", "endpoint": "completions", "times": None}
DIED = "UPDATE queue SET suspect_since = now() WHERE run_id = $1::uuid"
STOPPING = "UPDATE queue SET status = 'CANCELLING' WHERE run_id = $1::uuid"
TAKEN_AWAY = (
    f"UPDATE {CENTRAL}.org_subscriptions SET status = 'SUSPENDED' WHERE org_slug = 'bereft'",
    f"UPDATE {CENTRAL}.org_integration_credentials SET is_active = FALSE WHERE org_slug = 'bereft'",
)


@frozen
class Line:
    """A run at work, which hangs, and those behind it: the organisation may run one at once."""

    org: OrgClient
    holder: str
    second: str
    third: str
    fourth: str


@asynccontextmanager
async def lined(sandbox: Running, slug: str) -> AsyncIterator[Line]:
    org = sandbox.org(slug)
    await sandbox.faults(HANG)
    runs = [await org.accepted(EXTRACT, date=f"2025-06-{day}") for day in (10, 11, 12, 13)]
    await org.events(runs[0], upto="STEP_STARTED")
    yield Line(org, *runs)
    for run_id in reversed(runs):
        await org.cancel(run_id)
    await org.ended(runs[0])
    await sandbox.faults()


@pytest_asyncio.fixture(scope="module")
async def line(sandbox_stack: Running) -> AsyncIterator[Line]:
    async with lined(sandbox_stack, "curious") as line:
        yield line


async def reasons(org: OrgClient, run_id: str) -> list[Json]:
    found: list[Json] = (await org.explain(run_id))["reasons"]
    return found


def names(found: list[Json]) -> list[str]:
    return [why["reason"] for why in found]


def later(moment: str) -> bool:
    return datetime.fromisoformat(moment) > datetime.now(UTC)


async def test_a_run_at_work_names_its_worker_and_those_behind_it_what_holds_them(line: Line) -> None:
    (held,) = await reasons(line.org, line.holder)
    assert (held["reason"], later(held["until"])) == ("RUNNING", True)
    assert "extract_usage" in held["message"]
    told = await line.org.explain(line.third)
    assert told["status"] == "PENDING"
    assert names(told["reasons"]) == ["CAP_REACHED", "QUEUED"]
    assert told["reasons"][0]["run_ids"] == [line.holder]
    lane = told["lane"]
    assert (lane["ahead"], lane["running"], lane["cap"], lane["weight"]) == (1, 1, 1, 8)
    assert 0 < lane["share"] <= 1


async def test_native_grpc_tells_the_same(line: Line, native: grpc.aio.Channel) -> None:
    service = pipelines_pb2_grpc.PipelineServiceStub(native)
    asked = pipelines_pb2.ExplainRunRequest(run_id=line.second)
    told = await service.ExplainRun(asked, metadata=(("x-api-key", line.org.key),))
    over_rest = await line.org.explain(line.second)
    assert shown(told)["reasons"] == over_rest["reasons"]
    assert names(over_rest["reasons"]) == ["CAP_REACHED"]


def shown(told: pipelines_pb2.ExplainRunResponse) -> Any:
    return MessageToDict(told, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


async def test_a_run_whose_worker_died_waits_to_be_tried_alone_also_when_it_is_asked_to_stop(
    sandbox: Running, line: Line
) -> None:
    await sandbox.journal.execute(DIED, line.fourth)
    capped, suspect = await reasons(line.org, line.fourth)
    assert (capped["reason"], suspect["reason"], bool(suspect["until"])) == ("CAP_REACHED", "SUSPECT", True)
    await sandbox.journal.execute(STOPPING, line.fourth)
    assert names(await reasons(line.org, line.fourth)) == ["CANCELLING", "CAP_REACHED", "SUSPECT"]


async def test_a_run_that_waits_is_told_what_its_organisation_lost_meanwhile(sandbox: Running) -> None:
    async with lined(sandbox, "bereft") as line:
        assert names(await reasons(line.org, line.second)) == ["CAP_REACHED"]
        await asyncio.gather(*(sandbox.query(statement) for statement in TAKEN_AWAY))
        await sandbox.directory_seen()
        found = await reasons(line.org, line.second)
        assert names(found) == ["SUBSCRIPTION_INACTIVE", "INTEGRATION_NOT_CONFIGURED", "CAP_REACHED"]
        assert [(why["owner"], why["link"]) for why in found[:2]] == [("organisation", MEND_AT)] * 2
        assert "switched off" in found[1]["message"]


async def test_a_retry_that_is_to_come_says_when_and_of_what(sandbox: Running) -> None:
    patient = sandbox.org("patient")
    later_please = {"kind": "status", "status": 503, "retry_after": 600, "times": None}
    await sandbox.faults(*({"endpoint": name} | later_please for name in ("completions", "costs")))
    run_id = await patient.accepted(EXTRACT, date="2025-06-14")

    async def waits() -> list[Json]:
        return [why for why in await reasons(patient, run_id) if why["reason"] == "RETRY_SCHEDULED"]

    (why,) = await until(waits, 30)
    assert (later(why["until"]), "PROVIDER_UNAVAILABLE" in why["message"]) == (True, True)
    assert (await patient.cancel(run_id))["status"] == "CANCELLED"
    cancelled = (await reasons(patient, run_id))[0]
    assert (cancelled["reason"], cancelled["owner"], cancelled["retry"]) == ("CANCELLED", "caller", "NOW")
