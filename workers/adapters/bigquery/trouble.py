"""What BigQuery refuses and why: client exceptions and job errors become a kind of trouble.

Only the reason and the place in the script are kept: BigQuery's messages quote SQL text and values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import requests
from google.api_core import exceptions as api
from google.auth import exceptions as auth


class Kind(StrEnum):
    """What a refusal means for whoever asked."""

    UNKNOWN = "the outcome is unknown"
    BUSY = "the same request may succeed soon, as a new job"
    EXISTS = "it is there already"
    MISSING = "it is not there"
    CHANGED = "somebody else changed it meanwhile"
    QUOTA = "a quota of the day is used up"
    STREAMING = "rows are still in the streaming buffer"
    DENIED = "access denied"
    REJECTED = "the request is wrong"
    STALE = "a newer lease of the run has written"
    SHRINK = "too few rows"
    OUTSIDE = "rows outside the window"
    KEYLESS = "rows without a key"
    REPEATED = "several rows with one key"
    QUALITY = "rows are not as expected"
    UNSOUND = "a procedure refuses what it was to work on"


class TroubleError(Exception):
    """A refusal, before it is known what it means to the caller.

    `numbers` are counts that our own scripts report, `words` what one of our procedures says.
    """

    def __init__(
        self, kind: Kind, reason: str = "", place: str = "", numbers: tuple[int, ...] = (), words: str = ""
    ) -> None:
        super().__init__(kind.value)
        self.kind = kind
        self.reason = reason
        self.place = place
        self.numbers = numbers
        self.words = words


_OURS = {
    "DP_STALE_RUN": Kind.STALE,
    "DP_SHRINK_HELD": Kind.SHRINK,
    "DP_OUTSIDE_WINDOW": Kind.OUTSIDE,
    "DP_KEY_MISSING": Kind.KEYLESS,
    "DP_KEY_REPEATED": Kind.REPEATED,
    "DP_QUALITY_FAILED": Kind.QUALITY,
}
_OUR_RAISE = re.compile(r"(DP_[A-Z]+_[A-Z]+)((?: \d+)*)")
_UNSOUND = re.compile(r"DP_DATA_INVALID ([A-Za-z0-9_ ,:.-]{1,400})")
_CONFLICT = re.compile(r"due to concurrent update|transaction is aborted", re.IGNORECASE)
_STREAMING = re.compile(r"streaming buffer", re.IGNORECASE)
_PLACE = re.compile(r"\[(\d+:\d+)\]")
_REASONS = {
    "backendError": Kind.BUSY,
    "internalError": Kind.BUSY,
    "jobBackendError": Kind.BUSY,
    "jobInternalError": Kind.BUSY,
    "jobRateLimitExceeded": Kind.BUSY,
    "rateLimitExceeded": Kind.BUSY,
    "tableUnavailable": Kind.BUSY,
    "quotaExceeded": Kind.QUOTA,
    "billingTierLimitExceeded": Kind.QUOTA,
    "accessDenied": Kind.DENIED,
    "billingNotEnabled": Kind.DENIED,
    "notFound": Kind.MISSING,
    "duplicate": Kind.EXISTS,
}
_STATUSES = {
    401: Kind.DENIED,
    403: Kind.DENIED,
    404: Kind.MISSING,
    408: Kind.UNKNOWN,
    409: Kind.EXISTS,
    412: Kind.CHANGED,
    429: Kind.BUSY,
}
_SERVER_ERROR = 500


def of_exception(error: Exception) -> TroubleError:
    """Read what the client raised; anything that is not BigQuery's or the network's is raised again as it is."""
    if isinstance(error, auth.RefreshError):
        return TroubleError(Kind.UNKNOWN if error.retryable else Kind.DENIED, "credentials")
    if isinstance(error, requests.RequestException | auth.TransportError | api.RetryError | TimeoutError):
        return TroubleError(Kind.UNKNOWN, "connection")
    if not isinstance(error, api.GoogleAPICallError):
        raise error
    status = int(error.code or _SERVER_ERROR)
    first: Mapping[str, Any] = error.errors[0] if error.errors else {}
    reason = str(first.get("reason", ""))
    if status >= _SERVER_ERROR:
        return TroubleError(Kind.UNKNOWN, reason or str(status))
    kind = _REASONS.get(reason) or _STATUSES.get(status, Kind.REJECTED)
    return _with_message(kind, reason or str(status), str(error.message))


def of_job(error_result: Mapping[str, Any]) -> TroubleError:
    """Read why a job failed."""
    reason = str(error_result.get("reason", ""))
    return _with_message(_REASONS.get(reason, Kind.REJECTED), reason, str(error_result.get("message", "")))


def _with_message(kind: Kind, reason: str, message: str) -> TroubleError:
    unsound = _UNSOUND.search(message)
    if unsound:
        return TroubleError(Kind.UNSOUND, reason, words=unsound[1].strip().removesuffix(" at"))
    ours = _OUR_RAISE.search(message)
    if ours and ours[1] in _OURS:
        return TroubleError(_OURS[ours[1]], reason, numbers=tuple(int(number) for number in ours[2].split()))
    if kind is Kind.REJECTED and _CONFLICT.search(message):
        return TroubleError(Kind.BUSY, "concurrentUpdate")
    if kind is Kind.REJECTED and _STREAMING.search(message):
        return TroubleError(Kind.STREAMING, reason)
    place = _PLACE.search(message)
    return TroubleError(kind, reason, place[1] if place else "")
