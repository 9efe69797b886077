"""Whether something that failed is tried again, and after how long: one policy for requests and steps, one for runs."""

from __future__ import annotations

from datetime import timedelta

from attrs import frozen

from workers.model.failure import Code, Failure
from workers.model.run import RunError

LONGEST_BACKOFF_SECONDS = 300.0
_DOUBLINGS = 16
_PASSING = frozenset({Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED, Code.DEADLINE_EXCEEDED})


@frozen
class Again:
    """Try again after `delay` seconds."""

    delay: float


@frozen
class GiveUp:
    """Do not try again."""


def decide(failure: Failure, attempt: int, attempts: int, backoff_seconds: float, roll: float) -> Again | GiveUp:
    """Decide after `attempt` (from 1) of `attempts` failed; `roll` is chance in [0, 1).

    Full jitter: anywhere below backoff_seconds x 2^(attempt-1), at most five minutes, and never before `retry_after`.
    """
    if not failure.retryable or attempt >= attempts:
        return GiveUp()
    ceiling = min(LONGEST_BACKOFF_SECONDS, backoff_seconds * 2.0 ** min(attempt - 1, _DOUBLINGS))
    return Again(max(roll * ceiling, failure.retry_after or 0.0))


def passing(error: RunError) -> bool:
    """Whether what ended a run may be over later without anybody's doing."""
    return error.code in _PASSING


def retry_delay(retry: int) -> timedelta:
    """Return the wait before the nth retry of a run that a schedule started: 1 min x 2^(n-1), at most an hour."""
    return min(timedelta(hours=1), timedelta(minutes=2 ** min(retry - 1, _DOUBLINGS)))
