"""Who gets in, and what a refused caller can learn."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from datapipeline.v1.pipelines_pb2 import GetRunRequest, ListRunsRequest, RunPipelineRequest, WatchRunRequest
from datapipeline.v1.procedures_pb2 import ListProceduresRequest
from datapipeline.v1.run_pb2 import RunEvent
from datapipeline.v1.scheduler_pb2 import GetSchedulerStatusRequest
from datapipeline.v1.scheduler_pb2_grpc import SchedulerServiceStub

from server.interceptors.auth import RECHECK_SECONDS, Auth
from tests.fakes.clock import NOON
from tests.fakes.directory import sha256
from tests.fakes.recording_pipelines import RecordingPipelines
from tests.plugins.service import ACME_KEY, AS_ACME, AS_ROOT, ROOT_KEY, Serve, refusal_of
from workers.model.failure import Code, Reason, refused
from workers.model.secret import Secret

RUN = GetRunRequest(run_id="0f7b1c9e-43d5-4d5c-9a2b-1e6f8a7b9c0d")


def _open_to_all(book: Any, clock: Any) -> Auth:
    return Auth(book, None, clock.now, clock.monotonic, open_to_all=True)


NOT_KEYS = {
    "empty": [("x-api-key", "")],
    "short": [("x-api-key", "abc")],
    "spaces": [("x-api-key", "acme api 0123456789")],
    "very long": [("x-api-key", "k" * 2000)],
    "two of them": [("x-api-key", ACME_KEY), ("x-api-key", ACME_KEY)],
    "both kinds": [*AS_ACME, *AS_ROOT],
    "root key as org key header twice": [("x-ca-root-key", ROOT_KEY), ("x-ca-root-key", ROOT_KEY)],
    "root header too short": [("x-ca-root-key", "root")],
}


@pytest.mark.parametrize("metadata", NOT_KEYS.values(), ids=NOT_KEYS.keys())
async def test_what_cannot_be_a_key_is_refused_without_a_look_up(serve: Serve, metadata: Any) -> None:
    served = await serve(RecordingPipelines())
    refusal = await refusal_of(served.pipelines.GetRun(RUN, metadata=metadata))
    assert (refusal.code, refusal.reason) == ("UNAUTHENTICATED", "KEY_INVALID")
    assert not served.book.asked


async def test_unknown_expired_revoked_and_wrong_root_keys_are_refused_with_the_same_bytes(serve: Serve) -> None:
    served = await serve(RecordingPipelines())
    served.book.enrol("late", "late_api_0123456789", expires_at=NOON)
    served.book.enrol("gone", "gone_api_0123456789")
    served.book.revoke("gone_api_0123456789")
    keys = [("x-api-key", f"{name}_api_0123456789") for name in ("late", "gone", "never")]
    keys.append(("x-ca-root-key", ROOT_KEY[:-1] + "x"))
    answers = {(await refusal_of(served.pipelines.GetRun(RUN, metadata=[key]))).seen for key in keys}
    assert len(answers) == 1


async def test_a_key_works_until_the_moment_it_expires(serve: Serve) -> None:
    served = await serve(RecordingPipelines())
    served.book.enrol("late", "late_api_0123456789", expires_at=NOON + timedelta(seconds=1))
    await served.pipelines.GetRun(RUN, metadata=[("x-api-key", "late_api_0123456789")])
    served.clock.advance(1)
    refusal = await refusal_of(served.pipelines.GetRun(RUN, metadata=[("x-api-key", "late_api_0123456789")]))
    assert refusal.code == "UNAUTHENTICATED"


async def test_a_directory_that_answers_with_another_key_lets_nobody_in(serve: Serve) -> None:
    served = await serve(RecordingPipelines())
    served.book.keys[sha256("forged_api_0123456789")] = served.book.keys[sha256(ACME_KEY)]
    refusal = await refusal_of(served.pipelines.GetRun(RUN, metadata=[("x-api-key", "forged_api_0123456789")]))
    assert refusal.code == "UNAUTHENTICATED"


async def test_while_the_directory_is_too_old_calls_are_unavailable(serve: Serve) -> None:
    served = await serve(RecordingPipelines())
    served.book.away = refused(Code.UNAVAILABLE, Reason.SERVICE_UNAVAILABLE, "organisations are not known now")
    refusal = await refusal_of(served.pipelines.GetRun(RUN, metadata=AS_ACME))
    assert (refusal.code, refusal.reason) == ("UNAVAILABLE", "SERVICE_UNAVAILABLE")


async def test_only_good_keys_of_organisations_are_noted_as_used(serve: Serve) -> None:
    noted: list[str] = []

    def noting(book: Any, clock: Any) -> Auth:
        return Auth(book, Secret(ROOT_KEY), clock.now, clock.monotonic, used=lambda key: noted.append(key.key_id))

    served = await serve(RecordingPipelines(), auth=noting)
    await served.pipelines.GetRun(RUN, metadata=AS_ACME)
    for metadata in (AS_ROOT, (("x-api-key", "never_api_0123456789"),)):
        await refusal_of(served.pipelines.GetRun(RUN, metadata=metadata))
    assert noted == ["key-of-acme"]


async def test_an_org_key_is_of_the_wrong_kind_for_the_platforms_methods(serve: Serve) -> None:
    served = await serve(RecordingPipelines())
    call = served.procedures.ListProcedures(ListProceduresRequest(), metadata=AS_ACME)
    refusal = await refusal_of(call)
    assert (refusal.code, refusal.reason) == ("PERMISSION_DENIED", "KEY_KIND_NOT_ALLOWED")


@pytest.mark.parametrize("metadata", [AS_ACME, AS_ROOT])
async def test_a_method_for_both_kinds_takes_either(serve: Serve, metadata: Any) -> None:
    served = await serve(RecordingPipelines())
    scheduler = SchedulerServiceStub(served.channel)
    refusal = await refusal_of(scheduler.GetSchedulerStatus(GetSchedulerStatusRequest(), metadata=metadata))
    assert refusal.reason == "NOT_IMPLEMENTED"


@pytest.mark.fault("F61")
async def test_a_revoked_key_ends_the_stream_it_opened(serve: Serve) -> None:
    behind = RecordingPipelines()
    served = await serve(behind)

    async def follow(_request: Any, _call: Any) -> Any:
        yield RunEvent(sequence=1)
        served.book.revoke(ACME_KEY)
        served.clock.advance(RECHECK_SECONDS - 1)
        yield RunEvent(sequence=2)
        served.clock.advance(1)
        yield RunEvent(sequence=3)

    behind.follow = follow
    stream = served.pipelines.WatchRun(WatchRunRequest(run_id=RUN.run_id), metadata=AS_ACME)
    assert [(await stream.read()).sequence for _ in range(2)] == [1, 2]
    assert (await refusal_of(stream.read())).code == "UNAUTHENTICATED"


async def test_with_authentication_off_a_call_acts_as_the_organisation_of_its_path(serve: Serve) -> None:
    behind = RecordingPipelines()
    served = await serve(behind, auth=_open_to_all)
    await served.pipelines.RunPipeline(RunPipelineRequest(org="acme", provider="openai", pipeline="usage_cost"))
    assert behind.reached[0].org == "acme"


async def test_with_authentication_off_a_call_without_organisation_still_needs_a_key(serve: Serve) -> None:
    served = await serve(RecordingPipelines(), auth=_open_to_all)
    assert (await refusal_of(served.pipelines.ListRuns(ListRunsRequest()))).code == "UNAUTHENTICATED"
    await served.pipelines.GetRun(RUN, metadata=AS_ACME)
