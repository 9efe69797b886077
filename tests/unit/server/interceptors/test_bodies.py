"""REST bodies: every member is set as if it had been sent as a field, or named as what does not fit."""

from __future__ import annotations

import math
from typing import Any

import pytest
from datapipeline.v1.pipelines_pb2 import CancelRunRequest, RunPipelineRequest
from datapipeline.v1.procedures_pb2 import SyncProceduresRequest
from datapipeline.v1.scheduler_pb2 import (
    PauseScheduleRequest,
    PutScheduleRequest,
    Schedule,
    TriggerScheduledRequest,
)
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from server.interceptors.bodies import MOST_BYTES, body_violations
from tests.fakes.recording_pipelines import RecordingPipelines
from tests.plugins.service import AS_ACME, AS_ROOT, Serve, refusal_of

RUN_ID = "0f7b1c9e-43d5-4d5c-9a2b-1e6f8a7b9c0d"
BOOLEAN = "must be true or false"
KNOWN = {field.name for field in Schedule.DESCRIPTOR.fields}
TEXT = st.text(st.characters(codec="utf-8"), max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=10,
)


def struct(values: dict[str, Any]) -> Struct:
    made = Struct()
    made.update(values)
    return made


def told(message: Message) -> dict[str, str]:
    return {violation.field: violation.description for violation in body_violations(message)}


def test_members_become_the_fields_they_name() -> None:
    whole = {
        "pipeline": "usage_cost",
        "is_active": True,
        "priority": 3,
        "parameters": {"days": 7, "deep": {"list": [1, None]}},
        "next_run_time": "2026-01-31T06:00:00Z",
        "note": None,
    }
    request = PutScheduleRequest(org="acme", body=struct(whole))
    assert told(request) == {}
    assert request == PutScheduleRequest(
        org="acme",
        schedule=Schedule(
            pipeline="usage_cost",
            is_active=True,
            priority=3,
            parameters=struct({"days": 7, "deep": {"list": [1, None]}}),
            next_run_time=Timestamp(seconds=1_769_839_200),
        ),
    )


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        (CancelRunRequest(run_id=RUN_ID, body=struct({"why": "x"})), {"why": "is not known"}),
        (CancelRunRequest(body=struct({"run_id": "other"})), {"run_id": "is named by the path"}),
        (CancelRunRequest(body=struct({"body": {}, "runId": "x"})), {"body": "is not known", "runId": "is not known"}),
        (SyncProceduresRequest(body=struct({"force": "true"})), {"force": BOOLEAN}),
        (
            SyncProceduresRequest(body=struct({"force": 1, "": 2})),
            {"force": "must be true or false", "": "is not known"},
        ),
        (SyncProceduresRequest(force=True, body=struct({"force": False})), {"force": "is given twice"}),
        (PauseScheduleRequest(body=struct({"note": 3})), {"note": "must be text"}),
        (PauseScheduleRequest(body=struct({"note": ["a"]})), {"note": "must be text"}),
        (
            PutScheduleRequest(body=struct({"priority": 1.5, "unknown": None, "is_active": True})),
            {"schedule.priority": "must be a whole number", "schedule.unknown": "is not known"},
        ),
        (PutScheduleRequest(body=struct({"priority": 2**31})), {"schedule.priority": "must be a whole number"}),
        (PutScheduleRequest(body=struct({"priority": "3"})), {"schedule.priority": "must be a whole number"}),
        (PutScheduleRequest(body=struct({"priority": math.nan})), {"schedule.priority": "must be a whole number"}),
        (PutScheduleRequest(body=struct({"parameters": "x"})), {"schedule.parameters": "must be an object"}),
        (
            PutScheduleRequest(schedule=Schedule(note="a"), body=struct({"note": "b"})),
            {"schedule.note": "is given twice"},
        ),
        (CancelRunRequest(body=struct({"x": "y" * MOST_BYTES})), {"body": "is too large"}),
    ],
)
def test_every_member_that_does_not_fit_is_named(request_: Message, fields: dict[str, str]) -> None:
    assert told(request_) == fields


@pytest.mark.parametrize("value", ["soon", 3, True, {}, [], "2026-01-31"])
def test_a_time_that_is_none_is_told_how_to_say_one(value: Any) -> None:
    request = TriggerScheduledRequest(body=struct({"due_at": value}))
    assert told(request) == {"due_at": "must be a time such as 2026-01-31T00:00:00Z"}


@pytest.mark.parametrize("body", [None, {}, {"note": None}])
def test_a_body_that_says_nothing_sets_nothing(body: dict[str, Any] | None) -> None:
    request = PauseScheduleRequest(org="acme", body=struct(body) if body is not None else None)
    assert told(request) == {}
    assert request == PauseScheduleRequest(org="acme")


def test_an_empty_body_is_no_schedule() -> None:
    request = PutScheduleRequest(org="acme", body=struct({}))
    assert told(request) == {}
    assert not request.HasField("schedule")


def test_parameters_are_no_body_of_fields() -> None:
    request = RunPipelineRequest(parameters=struct({"anything": 1}))
    assert told(request) == {}
    assert request.parameters == struct({"anything": 1})


@given(st.dictionaries(st.sampled_from(sorted(KNOWN)) | TEXT, JSON, max_size=5))
def test_whatever_a_body_holds_is_set_or_named_and_never_fails(values: dict[str, Any]) -> None:
    request = PutScheduleRequest(body=struct(values))
    named = {name.removeprefix("schedule.") for name in told(request)}
    given_and_set = {field.name for field, _ in request.schedule.ListFields()}
    assert not named & given_and_set
    assert values.keys() - KNOWN <= named <= values.keys()


async def test_a_bad_body_is_refused_beside_the_bad_fields_before_the_service(serve: Serve) -> None:
    behind = RecordingPipelines()
    served = await serve(behind)
    request = CancelRunRequest(run_id="x", body=struct({"why": "x"}))
    refusal = await refusal_of(served.pipelines.CancelRun(request, metadata=AS_ACME))
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "REQUEST_INVALID")
    assert refusal.violations == {"why": "is not known", "run_id": "must be a UUID"}
    assert not behind.reached
    assert not served.ledger.rows


async def test_a_bad_body_needs_a_key_first(serve: Serve) -> None:
    served = await serve(RecordingPipelines())
    request = SyncProceduresRequest(body=struct({"bogus": 1}))
    assert (await refusal_of(served.procedures.SyncProcedures(request))).code == "UNAUTHENTICATED"
    refusal = await refusal_of(served.procedures.SyncProcedures(request, metadata=AS_ROOT))
    assert refusal.violations == {"bogus": "is not known"}
