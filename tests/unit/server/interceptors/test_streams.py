"""Streams through the guards."""

from __future__ import annotations

import asyncio
from typing import Any

from datapipeline.v1.pipelines_pb2 import WatchRunRequest
from datapipeline.v1.run_pb2 import RunEvent

from server.interceptors.deadline import Deadline
from tests.fakes.recording_pipelines import RecordingPipelines
from tests.plugins.service import AS_ACME, Serve, drain, refusal_of
from workers.model.failure import Code, Reason, refused

WATCH = WatchRunRequest(run_id="0f7b1c9e-43d5-4d5c-9a2b-1e6f8a7b9c0d")


async def _three(_request: Any, _call: Any) -> Any:
    for sequence in (1, 2, 3):
        yield RunEvent(sequence=sequence)


async def test_events_arrive_in_order_and_the_stream_ends_well(serve: Serve) -> None:
    served = await serve(RecordingPipelines(follow=_three))
    stream = served.pipelines.WatchRun(WATCH, metadata=(*AS_ACME, ("x-request-id", "abc")))
    assert [event.sequence for event in await drain(stream)] == [1, 2, 3]
    assert dict(await stream.initial_metadata())["x-request-id"] == "abc"


async def test_a_refusal_before_the_first_event_sends_no_headers_of_its_own(serve: Serve) -> None:
    async def absent(_request: Any, _call: Any) -> Any:
        raise refused(Code.NOT_FOUND, Reason.RUN_NOT_FOUND, "there is no such run")
        yield

    served = await serve(RecordingPipelines(follow=absent))
    stream = served.pipelines.WatchRun(WATCH, metadata=AS_ACME)
    refusal = await refusal_of(drain(stream))
    assert (refusal.code, refusal.reason) == ("NOT_FOUND", "RUN_NOT_FOUND")
    assert "x-request-id" not in dict(await stream.initial_metadata())
    assert refusal.trailing["x-request-id"] == "made-1"


async def test_a_bad_stream_request_is_refused_as_any_other(serve: Serve) -> None:
    served = await serve(RecordingPipelines())
    refusal = await refusal_of(
        drain(served.pipelines.WatchRun(WatchRunRequest(run_id="x", after=-1), metadata=AS_ACME))
    )
    assert set(refusal.violations) == {"run_id", "after"}


async def test_a_watcher_that_hangs_up_ends_the_work_at_once(serve: Serve) -> None:
    ended = asyncio.Event()

    async def endless(_request: Any, _call: Any) -> Any:
        try:
            yield RunEvent(sequence=1)
            await asyncio.Event().wait()
        finally:
            ended.set()

    served = await serve(RecordingPipelines(follow=endless))
    stream = served.pipelines.WatchRun(WATCH, metadata=AS_ACME)
    await stream.read()
    stream.cancel()
    async with asyncio.timeout(5):
        await ended.wait()


async def test_an_error_after_the_first_event_is_mapped_too(serve: Serve) -> None:
    async def breaking(_request: Any, _call: Any) -> Any:
        yield RunEvent(sequence=1)
        raise RuntimeError("secret")

    served = await serve(RecordingPipelines(follow=breaking))
    refusal = await refusal_of(drain(served.pipelines.WatchRun(WATCH, metadata=AS_ACME)))
    assert refusal.code == "INTERNAL"
    assert "secret" not in repr(refusal)


async def test_a_stream_ends_at_its_longest_time(serve: Serve) -> None:
    async def endless(_request: Any, _call: Any) -> Any:
        yield RunEvent(sequence=1)
        await asyncio.Event().wait()

    served = await serve(RecordingPipelines(follow=endless), deadline=lambda *_: Deadline(stream=0.05))
    refusal = await refusal_of(drain(served.pipelines.WatchRun(WATCH, metadata=AS_ACME)))
    assert (refusal.code, refusal.reason) == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")


async def test_a_call_that_takes_too_long_is_ended_though_its_caller_set_no_deadline(serve: Serve) -> None:
    async def forever(_request: Any, _call: Any) -> Any:
        await asyncio.Event().wait()

    served = await serve(RecordingPipelines(instead=forever), deadline=lambda *_: Deadline(unary=0.05))
    call = served.pipelines.GetRun(WATCH, metadata=AS_ACME, timeout=99_999)
    assert (await refusal_of(call)).reason == "DEADLINE_EXCEEDED"


async def test_a_timeout_of_the_work_itself_is_not_taken_for_the_calls_deadline(serve: Serve) -> None:
    async def times_out(_request: Any, _call: Any) -> Any:
        raise TimeoutError

    served = await serve(RecordingPipelines(instead=times_out))
    assert (await refusal_of(served.pipelines.GetRun(WATCH, metadata=AS_ACME))).code == "INTERNAL"
