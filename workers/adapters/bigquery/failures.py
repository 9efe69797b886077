"""What a trouble means to a step or a caller: a Failure in words of our own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from workers.adapters.bigquery.trouble import Kind, TroubleError
from workers.model.failure import Code, FailedError, Failure, Reason, SnoozeError
from workers.model.pause import Pause


def failed(trouble: TroubleError, doing: str) -> FailedError:
    """Build the error a step or a caller is shown; `doing` says what was tried, such as `publish acme_prod.t`."""
    code, reason, text = _FAILURES[trouble.kind]
    numbers = [f"{number:,}" for number in trouble.numbers] or ["?", "?"]
    message = f"{doing}: {text.format(*numbers, '?')}{trouble.words}"
    if trouble.kind in {Kind.REJECTED, Kind.DENIED, Kind.MISSING}:
        message += f" ({trouble.reason}{' at ' + trouble.place if trouble.place else ''})"
    wait = _WAITS.get(trouble.kind)
    retryable = code in {Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED}
    metadata = {"warehouse_reason": trouble.reason} if trouble.reason else {}
    return FailedError(Failure(code, reason, message, retryable, wait, metadata))


_AWAY = (Code.UNAVAILABLE, Reason.WAREHOUSE_UNAVAILABLE)
_REFUSED = (Code.FAILED_PRECONDITION, Reason.WAREHOUSE_REJECTED)
_FAILURES: Mapping[Kind, tuple[Code, Reason, str]] = {
    Kind.UNKNOWN: (*_AWAY, "BigQuery does not answer"),
    Kind.BUSY: (*_AWAY, "BigQuery is busy"),
    Kind.CHANGED: (*_AWAY, "somebody else changed it at the same time"),
    Kind.EXISTS: (*_REFUSED, "it exists already"),
    Kind.MISSING: (*_REFUSED, "BigQuery does not find the project, dataset or table, or not in this location"),
    Kind.DENIED: (Code.PERMISSION_DENIED, Reason.WAREHOUSE_REJECTED, "BigQuery denies access"),
    Kind.REJECTED: (*_REFUSED, "BigQuery refuses the request"),
    Kind.QUOTA: (Code.RESOURCE_EXHAUSTED, Reason.WAREHOUSE_QUOTA, "a BigQuery quota of the day is used up"),
    Kind.STREAMING: (
        Code.RESOURCE_EXHAUSTED,
        Reason.WAREHOUSE_QUOTA,
        "the table holds rows streamed lately, which BigQuery does not let anybody change for up to 90 minutes",
    ),
    Kind.STALE: (Code.ABORTED, Reason.STALE_RUN, "a newer attempt of this run has written these days"),
    Kind.SHRINK: (
        Code.FAILED_PRECONDITION,
        Reason.SHRINK_HELD,
        "{0} rows would become {1}; held for review, the table is unchanged",
    ),
    Kind.OUTSIDE: (
        Code.FAILED_PRECONDITION,
        Reason.DATA_INVALID,
        "{0} rows lie outside the window or scope they were to replace",
    ),
    Kind.KEYLESS: (Code.FAILED_PRECONDITION, Reason.DATA_INVALID, "{0} rows have no value in a key field"),
    Kind.REPEATED: (Code.FAILED_PRECONDITION, Reason.DATA_INVALID, "{0} keys stand in several rows"),
    Kind.QUALITY: (Code.FAILED_PRECONDITION, Reason.DATA_QUALITY_FAILED, "rows are not as expected"),
    Kind.UNSOUND: (Code.FAILED_PRECONDITION, Reason.DATA_INVALID, ""),
}
_WAITS = {
    Kind.QUOTA: 3600.0,  # quotas of a day refill little by little
    Kind.STREAMING: 90 * 60.0,  # so long rows that were streamed in cannot be changed
    Kind.BUSY: 30.0,
}


@contextlib.contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn a TroubleError inside into a FailedError, without the chain that would show BigQuery's own words."""
    try:
        yield
    except TroubleError as trouble:
        raise failed(trouble, doing) from None


@contextlib.contextmanager
def step_errors(doing: str) -> Iterator[None]:
    """As `explained`, for a step: what takes more than minutes to pass gives the slot back by SnoozeError."""
    try:
        with explained(doing):
            yield
    except FailedError as error:
        if error.failure.reason is Reason.WAREHOUSE_QUOTA and error.failure.retry_after is not None:
            why, reason = error.failure.message, error.failure.reason
            raise SnoozeError(error.failure.retry_after, why, pause=Pause.QUOTA, failure=reason) from None
        raise
