"""What a caller sees of a failure."""

from __future__ import annotations

import asyncio
from typing import Any, cast
from urllib.parse import quote

import grpc
import pytest
from datapipeline.v1.pipelines_pb2 import GetRunRequest
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given
from hypothesis import strategies as st

from server.interceptors.answers import answer
from tests.fakes.recording_pipelines import RecordingPipelines
from tests.plugins.service import AS_ACME, Serve, refusal_of
from workers.model.failure import Code, FailedError, Failure, Reason, Violation

RUN = GetRunRequest(run_id="0f7b1c9e-43d5-4d5c-9a2b-1e6f8a7b9c0d")
SECRET = "postgresql://svc:hunter2hunter2@10.0.0.1/journal"


def failing(error: BaseException) -> RecordingPipelines:
    async def fail(_request: Any, _call: Any) -> Any:
        raise error

    return RecordingPipelines(instead=fail)


@pytest.mark.parametrize("error", [RuntimeError(SECRET), KeyError(SECRET), ExceptionGroup(SECRET, [OSError(SECRET)])])
async def test_an_unforeseen_error_shows_only_the_request_id(serve: Serve, error: Exception) -> None:
    served = await serve(failing(error))
    refusal = await refusal_of(served.pipelines.GetRun(RUN, metadata=(*AS_ACME, ("x-request-id", "abc-1"))))
    assert (refusal.code, refusal.reason) == ("INTERNAL", "INTERNAL")
    assert refusal.text == "internal error; tell the operators the request id abc-1"
    assert not any(word in repr(refusal) for word in ("hunter2", "RuntimeError", "KeyError", "Group", "Traceback"))


async def test_a_failure_arrives_with_its_code_reason_metadata_and_violations(serve: Serve) -> None:
    failure = Failure(
        Code.FAILED_PRECONDITION,
        Reason.INTEGRATION_NOT_CONFIGURED,
        "no credential",
        metadata={"provider": "openai"},
        violations=(Violation("date", "is after today"),),
    )
    served = await serve(failing(FailedError(failure)))
    refusal = await refusal_of(served.pipelines.GetRun(RUN, metadata=AS_ACME))
    assert (refusal.code, refusal.reason, refusal.text) == (failure.code, failure.reason, failure.message)
    assert (refusal.metadata, refusal.violations) == ({"provider": "openai"}, {"date": "is after today"})
    assert refusal.retry_seconds is None


async def test_a_failure_that_passes_says_when_to_come_back(serve: Serve) -> None:
    failure = Failure(Code.RESOURCE_EXHAUSTED, Reason.QUEUE_FULL, "full", retryable=True, retry_after=2.5)
    served = await serve(failing(FailedError(failure)))
    refusal = await refusal_of(served.pipelines.GetRun(RUN, metadata=AS_ACME))
    assert (refusal.retry_seconds, refusal.trailing["retry-after"]) == (2.5, "3")


@pytest.mark.fault("F33")
async def test_a_caller_that_hangs_up_cancels_the_work(serve: Serve) -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def wait(_request: Any, _call: Any) -> Any:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    served = await serve(RecordingPipelines(instead=wait))
    call = served.pipelines.GetRun(RUN, metadata=AS_ACME)
    async with asyncio.timeout(5):
        await started.wait()
        call.cancel()
        await cancelled.wait()


@given(
    st.builds(
        Failure,
        st.sampled_from(Code),
        st.sampled_from(Reason),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=5000),
        metadata=st.dictionaries(
            st.sampled_from("abc"), st.text(st.characters(exclude_categories=["Cs"]), max_size=900)
        ),
        violations=st.lists(
            st.builds(Violation, st.just("f" * 200), st.text(st.characters(codec="ascii"), max_size=900)), max_size=40
        ).map(tuple),
    )
)
def test_every_failure_becomes_an_answer_that_clients_accept(failure: Failure) -> None:
    code, text, trailing = answer(failure, "id")
    assert code is grpc.StatusCode[failure.code.value]
    assert failure.message.startswith(text)
    assert dict(trailing)["x-request-id"] == "id"
    assert len(quote(text)) + sum(len(name) + len(value) * 4 // 3 + 36 for name, value in trailing) < 8 * 1024


def test_violations_that_do_not_fit_are_counted() -> None:
    violations = tuple(Violation(f"field_{number}", "x" * 5000) for number in range(100))
    failure = Failure(Code.INVALID_ARGUMENT, Reason.REQUEST_INVALID, "bad", violations=violations)
    status = status_pb2.Status.FromString(cast("bytes", dict(answer(failure, "id")[2])["grpc-status-details-bin"]))
    bad = error_details_pb2.BadRequest()
    assert status.details[1].Unpack(bad)
    shown = list(bad.field_violations)
    assert shown[-1].description == f"and {100 - len(shown) + 1} more"
