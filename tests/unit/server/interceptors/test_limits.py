"""How fast a caller may be, and what it is told when it is faster."""

from __future__ import annotations

from typing import Any

import pytest
from datapipeline.v1.pipelines_pb2 import GetRunRequest, RunPipelineRequest
from hypothesis import given
from hypothesis import strategies as st

from server.interceptors.auth import Auth
from server.interceptors.buckets import Bucket, Buckets
from server.interceptors.limits import Limits
from tests.fakes.clock import ManualClock
from tests.fakes.recording_pipelines import RecordingPipelines
from tests.plugins.service import AS_ACME, AS_GLOBEX, ROOT_KEY, Serve, refusal_of
from workers.model.secret import Secret

RUN = GetRunRequest(run_id="0f7b1c9e-43d5-4d5c-9a2b-1e6f8a7b9c0d")
START = RunPipelineRequest(org="acme", provider="openai", pipeline="usage_cost")


def limits(**numbers: Any) -> Any:
    return lambda _book, clock: Limits(clock.monotonic, **numbers)


async def test_an_organisation_that_is_too_fast_is_told_how_long_to_wait(serve: Serve) -> None:
    served = await serve(RecordingPipelines(), limits=limits(per_org=2))
    for _ in range(2):
        await served.pipelines.GetRun(RUN, metadata=AS_ACME)
    refusal = await refusal_of(served.pipelines.GetRun(RUN, metadata=AS_ACME))
    assert (refusal.reason, refusal.metadata["limit"]) == ("RATE_LIMITED", "organisation")
    assert (refusal.retry_seconds, refusal.trailing["retry-after"]) == (30.0, "30")
    served.clock.advance(30)
    await served.pipelines.GetRun(RUN, metadata=AS_ACME)


async def test_one_organisation_does_not_use_up_anothers_limit(serve: Serve) -> None:
    served = await serve(RecordingPipelines(), limits=limits(per_org=1))
    await served.pipelines.GetRun(RUN, metadata=AS_ACME)
    await served.pipelines.GetRun(RUN, metadata=AS_GLOBEX)
    assert (await refusal_of(served.pipelines.GetRun(RUN, metadata=AS_ACME))).reason == "RATE_LIMITED"


async def test_all_organisations_share_the_limit_of_the_service(serve: Serve) -> None:
    served = await serve(RecordingPipelines(), limits=limits(in_all=1))
    await served.pipelines.GetRun(RUN, metadata=AS_ACME)
    assert (await refusal_of(served.pipelines.GetRun(RUN, metadata=AS_GLOBEX))).metadata["limit"] == "service"


async def test_starting_runs_has_a_limit_of_its_own_and_reading_goes_on(serve: Serve) -> None:
    served = await serve(RecordingPipelines(), limits=limits(runs_per_org=1))
    await served.pipelines.RunPipeline(START, metadata=AS_ACME)
    assert (await refusal_of(served.pipelines.RunPipeline(START, metadata=AS_ACME))).metadata["limit"] == "runs"
    await served.pipelines.GetRun(RUN, metadata=AS_ACME)


async def test_a_refused_call_takes_nothing_from_the_other_limits(serve: Serve) -> None:
    served = await serve(RecordingPipelines(), limits=limits(runs_per_org=1, per_org=3))
    await served.pipelines.RunPipeline(START, metadata=AS_ACME)
    for _ in range(5):
        await refusal_of(served.pipelines.RunPipeline(START, metadata=AS_ACME))
    for _ in range(2):
        await served.pipelines.GetRun(RUN, metadata=AS_ACME)


async def test_limits_that_are_switched_off_refuse_nobody(serve: Serve) -> None:
    served = await serve(
        RecordingPipelines(), limits=lambda _book, clock: Limits(clock.monotonic, per_org=1, enabled=False)
    )
    for _ in range(3):
        await served.pipelines.GetRun(RUN, metadata=AS_ACME)


def shared(limits: Limits) -> dict[str, Any]:
    """Guards that count calls without a good key, as the service does."""
    return {
        "auth": lambda book, clock: Auth(book, Secret(ROOT_KEY), clock.now, clock.monotonic, limits.stranger),
        "limits": lambda *_: limits,
    }


@pytest.mark.parametrize("metadata", [(), (("x-api-key", "acme_api_ffffffffffffffff"),), (("x-api-key", "short"),)])
async def test_a_flood_of_bad_keys_meets_the_limit_of_the_service(serve: Serve, metadata: Any) -> None:
    clock = ManualClock()
    served = await serve(RecordingPipelines(), clock=clock, **shared(Limits(clock.monotonic, in_all=2)))
    told = [await refusal_of(served.pipelines.GetRun(RUN, metadata=metadata)) for _ in range(4)]
    assert [refusal.reason for refusal in told] == ["KEY_INVALID", "KEY_INVALID", "RATE_LIMITED", "RATE_LIMITED"]
    assert (told[2].metadata["limit"], told[2].retry_seconds) == ("service", 30.0)
    clock.advance(30)
    await served.pipelines.GetRun(RUN, metadata=AS_ACME)


async def test_a_good_key_is_counted_once(serve: Serve) -> None:
    clock = ManualClock()
    served = await serve(RecordingPipelines(), clock=clock, **shared(Limits(clock.monotonic, in_all=2)))
    for _ in range(2):
        await served.pipelines.GetRun(RUN, metadata=AS_ACME)
    assert (await refusal_of(served.pipelines.GetRun(RUN, metadata=AS_ACME))).metadata["limit"] == "service"


def test_the_number_of_buckets_is_bounded_and_the_one_unused_for_longest_goes() -> None:
    buckets = Buckets(10, most=2)
    first, second = buckets.of("a", 0), buckets.of("b", 0)
    assert buckets.of("a", 0) is first
    buckets.of("c", 0)
    assert len(buckets) == 2
    assert buckets.of("a", 0) is first
    assert buckets.of("b", 0) is not second


@given(st.integers(1, 500), st.lists(st.floats(0, 5), max_size=200))
def test_no_more_calls_pass_than_the_start_and_the_time_allow(per_minute: int, gaps: list[float]) -> None:
    bucket, now, passed = Bucket(per_minute, per_minute, 0), 0.0, 0
    for gap in gaps:
        now += gap
        if bucket.wait(now) == 0:
            bucket.take()
            passed += 1
    assert passed <= per_minute + now * per_minute / 60 + 1e-6


@given(st.integers(1, 500), st.integers(0, 600))
def test_after_the_wait_a_token_is_there(per_minute: int, taken: int) -> None:
    bucket = Bucket(per_minute, per_minute, 0)
    for _ in range(min(taken, per_minute)):
        bucket.take()
    wait = bucket.wait(0)
    assert bucket.wait(wait + 1e-6) == 0
