"""Field rules, all violations at once, into messages within messages."""

from __future__ import annotations

import pytest
from datapipeline.v1.pipelines_pb2 import GetRunRequest, ListRunsRequest, RunPipelineRequest
from datapipeline.v1.scheduler_pb2 import PutScheduleRequest, Schedule, TriggerScheduledRequest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from server import grpc as assembly
from server.interceptors.rules import checks, violations
from workers.model.org import NAME, SLUG

GOOD_ID = "0F7b1c9e-43d5-4d5c-9a2b-1e6f8a7b9c0d"


def named(message: Message) -> dict[str, str]:
    return {violation.field: violation.description for violation in violations(message)}


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        (GetRunRequest(run_id=GOOD_ID), set()),
        (GetRunRequest(run_id="00000000-0000-0000-0000-000000000000"), set()),
        (GetRunRequest(run_id=GOOD_ID + "\n"), {"run_id"}),
        (ListRunsRequest(), set()),
        (
            ListRunsRequest(page_size=-1, limit=-5, status="DONE", pipeline_id="a' OR 1"),
            {"page_size", "limit", "status", "pipeline_id"},
        ),
        (ListRunsRequest(page_size=10**9, status="FAILED", pipeline_id="acme-openai-cost-usage_cost"), set()),
        (ListRunsRequest(page_token="x" * 513), {"page_token"}),
        (RunPipelineRequest(), {"org", "provider", "pipeline"}),
        (RunPipelineRequest(org="acme", provider="openai", domain="-", pipeline="a" * 63), set()),
        (RunPipelineRequest(org="acme", provider="openai", domain=".", pipeline="a" * 64), {"domain", "pipeline"}),
        (RunPipelineRequest(org="acme\n", provider="-x", pipeline="a/b"), {"org", "provider", "pipeline"}),
        (PutScheduleRequest(org="acme"), {"schedule"}),
        (
            PutScheduleRequest(org="acme", schedule=Schedule(provider="A", pipeline="a", note="x" * 501)),
            {"schedule.provider", "schedule.note"},
        ),
        (
            PutScheduleRequest(
                org="acme",
                schedule=Schedule(
                    provider="a",
                    pipeline="a",
                    priority=1_000_000,
                    jitter_seconds=86_400,
                    day_of_month=31,
                    note="é" * 500,
                ),
            ),
            set(),
        ),
        (
            PutScheduleRequest(
                org="acme",
                schedule=Schedule(
                    provider="a", pipeline="a", priority=0, jitter_seconds=86_401, day_of_month=32, note="a\0b"
                ),
            ),
            {"schedule.priority", "schedule.jitter_seconds", "schedule.day_of_month", "schedule.note"},
        ),
        (TriggerScheduledRequest(due_at=Timestamp(seconds=-62_135_596_800)), set()),
        (TriggerScheduledRequest(due_at=Timestamp(seconds=253_402_300_799, nanos=999_999_999)), set()),
        (TriggerScheduledRequest(due_at=Timestamp(seconds=2**63 - 1)), {"due_at"}),
        (TriggerScheduledRequest(due_at=Timestamp(seconds=-62_135_596_801)), {"due_at"}),
        (TriggerScheduledRequest(due_at=Timestamp(nanos=-1)), {"due_at"}),
        (TriggerScheduledRequest(due_at=Timestamp(nanos=10**9)), {"due_at"}),
    ],
)
def test_exactly_the_fields_that_break_a_rule_are_named(message: Message, fields: set[str]) -> None:
    assert named(message).keys() == fields


def test_every_request_of_the_contract_has_rules_that_compile() -> None:
    for service in assembly.OURS:
        for method in service.methods:
            checks(method.input_type)


@given(st.text(), st.text())
def test_names_are_accepted_as_the_model_accepts_them(org: str, pipeline: str) -> None:
    found = named(RunPipelineRequest(org=_encodable(org), provider="openai", pipeline=_encodable(pipeline)))
    assert ("org" in found) == (not SLUG.match(_encodable(org)))
    assert ("pipeline" in found) == (not NAME.match(_encodable(pipeline)))


def _encodable(text: str) -> str:
    return text.encode(errors="replace").decode()
