"""Every refusal comes in the contract's order, with its code, its reason and nothing of the inside."""

from __future__ import annotations

from typing import Any

import pytest
from datapipeline.v1.pipelines_pb2 import GetRunRequest, RunPipelineRequest

from server.interceptors.limits import Limits
from tests.fakes.recording_pipelines import RecordingPipelines
from tests.plugins.service import ACME_KEY, AS_ACME, AS_ROOT, ROOT_KEY, Refusal, Serve, refusal_of

GOOD = {"org": "acme", "provider": "openai", "domain": "cost", "pipeline": "usage_cost"}
ELSEWHERE = GOOD | {"org": "globex"}
BAD_NAMES = GOOD | {"provider": "../etc", "pipeline": "A"}
NO_KEY: tuple[tuple[str, str], ...] = ()
READER_KEY = "acme_api_canary_reads_only_0001"
READER = (("x-api-key", READER_KEY),)
BAD_KEY = (("x-api-key", "acme_api_ffffffffffffffff"),)

ORDER = [
    ("nothing at all", NO_KEY, ELSEWHERE | BAD_NAMES, True, "UNAUTHENTICATED", "KEY_INVALID"),
    ("an unknown key", BAD_KEY, ELSEWHERE, True, "UNAUTHENTICATED", "KEY_INVALID"),
    ("the root key", AS_ROOT, ELSEWHERE, True, "PERMISSION_DENIED", "KEY_KIND_NOT_ALLOWED"),
    ("a key without the scope", READER, ELSEWHERE, True, "PERMISSION_DENIED", "KEY_SCOPE_NOT_ALLOWED"),
    ("another organisation", AS_ACME, ELSEWHERE | {"pipeline": "A"}, True, "PERMISSION_DENIED", "ORG_MISMATCH"),
    ("too fast", AS_ACME, BAD_NAMES, True, "RESOURCE_EXHAUSTED", "RATE_LIMITED"),
    ("bad names", AS_ACME, BAD_NAMES, False, "INVALID_ARGUMENT", "REQUEST_INVALID"),
]


def _request(fields: dict[str, Any]) -> RunPipelineRequest:
    return RunPipelineRequest(**fields)


def exhausted(_book: Any, clock: Any) -> Limits:
    limits = Limits(clock.monotonic, per_org=1)
    for bucket in (limits._orgs.of("acme", clock.monotonic()),):
        bucket.take()
    return limits


@pytest.mark.parametrize(
    ("_what", "metadata", "fields", "fast", "code", "reason"), ORDER, ids=[row[0] for row in ORDER]
)
async def test_the_first_reason_in_the_documented_order_is_the_one_given(
    serve: Serve, _what: str, metadata: Any, fields: dict[str, str], fast: bool, code: str, reason: str
) -> None:
    behind = RecordingPipelines()
    served = await serve(behind, **({"limits": exhausted} if fast else {}))
    served.book.enrol("acme", READER_KEY, scopes=frozenset({"pipelines:read"}))
    refusal = await refusal_of(served.pipelines.RunPipeline(_request(fields), metadata=metadata))
    assert (refusal.code, refusal.reason, refusal.domain) == (code, reason, "datapipeline")
    assert not behind.reached
    assert not served.ledger.rows
    assert_quiet(refusal)


async def test_existing_and_absent_organisations_are_refused_with_the_same_bytes(serve: Serve) -> None:
    served = await serve(RecordingPipelines())
    answers = {
        (await refusal_of(served.pipelines.RunPipeline(_request(GOOD | {"org": org}), metadata=AS_ACME))).seen
        for org in ("globex", "nobody_here", "ACME", "\u0430cme", "x")
    }
    assert len(answers) == 1


async def test_all_bad_fields_are_named_at_once(serve: Serve) -> None:
    served = await serve(RecordingPipelines())
    refusal = await refusal_of(served.pipelines.RunPipeline(_request(BAD_NAMES), metadata=AS_ACME))
    assert set(refusal.violations) == {"provider", "pipeline"}
    assert "provider" in refusal.text
    assert "etc" not in refusal.text


async def test_a_good_call_reaches_its_service_with_its_caller(serve: Serve) -> None:
    behind = RecordingPipelines()
    served = await serve(behind)
    await served.pipelines.RunPipeline(_request(GOOD), metadata=AS_ACME)
    (call,) = behind.reached
    assert (call.org, call.principal.key_id) == ("acme", "key-of-acme")


@pytest.mark.parametrize("run_id", ["", "1", "{00000000-0000-0000-0000-000000000000}", "0" * 32])
async def test_a_run_id_that_is_no_uuid_is_refused(serve: Serve, run_id: str) -> None:
    served = await serve(RecordingPipelines())
    refusal = await refusal_of(served.pipelines.GetRun(GetRunRequest(run_id=run_id), metadata=AS_ACME))
    assert (refusal.code, list(refusal.violations)) == ("INVALID_ARGUMENT", ["run_id"])


def assert_quiet(refusal: Refusal) -> None:
    said = repr(refusal)
    for secret in ("Traceback", "Error(", ".py", ACME_KEY, ROOT_KEY, "acme_api"):
        assert secret not in said
