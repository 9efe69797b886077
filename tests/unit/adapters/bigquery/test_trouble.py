from __future__ import annotations

import pytest
import requests
from google.api_core import exceptions as api
from google.auth.exceptions import RefreshError, TransportError

from workers.adapters.bigquery.failures import failed, step_errors
from workers.adapters.bigquery.trouble import Kind, TroubleError, of_exception, of_job
from workers.model.failure import FailedError, Reason, SnoozeError


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (requests.ConnectionError("https://key@host"), Kind.UNKNOWN),
        (requests.Timeout(), Kind.UNKNOWN),
        (TransportError(), Kind.UNKNOWN),
        (RefreshError("x", retryable=True), Kind.UNKNOWN),
        (RefreshError("x"), Kind.DENIED),
        (api.InternalServerError("x"), Kind.UNKNOWN),
        (api.BadGateway("x"), Kind.UNKNOWN),
        (api.Conflict("x"), Kind.EXISTS),
        (api.NotFound("x"), Kind.MISSING),
        (api.Forbidden("x"), Kind.DENIED),
        (api.Forbidden("x", errors=[{"reason": "quotaExceeded"}]), Kind.QUOTA),
        (api.Forbidden("x", errors=[{"reason": "rateLimitExceeded"}]), Kind.BUSY),
        (api.TooManyRequests("x"), Kind.BUSY),
        (api.PreconditionFailed("x"), Kind.CHANGED),
        (api.BadRequest("x"), Kind.REJECTED),
    ],
)
def test_an_exception_is_read_by_reason_then_status(error: Exception, kind: Kind) -> None:
    assert of_exception(error).kind is kind


def test_a_fault_of_our_own_is_not_taken_for_bigquerys() -> None:
    with pytest.raises(ZeroDivisionError):
        of_exception(ZeroDivisionError())


@pytest.mark.parametrize(
    ("message", "kind", "numbers"),
    [
        ("Query error: DP_STALE_RUN at [12:5]", Kind.STALE, ()),
        ("DP_SHRINK_HELD 1000 20", Kind.SHRINK, (1000, 20)),
        ("DP_OUTSIDE_WINDOW 3", Kind.OUTSIDE, (3,)),
        ("DP_SOMETHING_ELSE", Kind.REJECTED, ()),
        ("Transaction is aborted due to concurrent update against table t", Kind.BUSY, ()),
        ("Could not serialize access to table t due to concurrent update", Kind.BUSY, ()),
        ("would affect rows in the streaming buffer", Kind.STREAMING, ()),
    ],
)
def test_a_failed_job_is_read_by_what_our_scripts_and_bigquery_say(
    message: str, kind: Kind, numbers: tuple[int, ...]
) -> None:
    trouble = of_job({"reason": "invalidQuery", "message": message})
    assert (trouble.kind, trouble.numbers) == (kind, numbers)


@pytest.mark.parametrize("kind", Kind)
def test_every_trouble_has_a_failure_in_words_of_our_own(kind: Kind) -> None:
    failure = failed(TroubleError(kind, "why", "1:2", (3, 4)), "publish d.t").failure
    assert failure.message.startswith("publish d.t: ")
    assert failure.retryable == (failure.reason in {Reason.WAREHOUSE_UNAVAILABLE, Reason.WAREHOUSE_QUOTA})


def test_only_what_takes_long_gives_the_slot_back() -> None:
    with pytest.raises(SnoozeError), step_errors("x"):
        raise TroubleError(Kind.QUOTA)
    with pytest.raises(FailedError), step_errors("x"):
        raise TroubleError(Kind.BUSY)
