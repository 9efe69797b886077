"""What a status means: try again, or stop. Pure; of error bodies only known words are taken, never their text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from attrs import evolve

from workers.model.failure import Reason
from workers.rest.document import DocumentError, at, parse
from workers.rest.retry_after import retry_after
from workers.rest.trouble import Trouble, bad_response

_AUTH = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_AGAIN = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT}
_REFUSED = range(400, 500)
_BROKEN = range(500, 600)
_MOVED = range(300, 400)
# Google answers 403 for rates as well: cloud.google.com/apis/design/errors and the older `errors[].reason`.
_RATE_REASONS = frozenset(
    {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded", "RATE_LIMIT_EXCEEDED"}
)


# The words providers publish for why a credential is not accepted, most telling first.
_AUTH_CODES = (
    *("ACCESS_TOKEN_EXPIRED", "API_KEY_EXPIRED", "api_key_expired", "expired_api_key", "token_expired"),
    *("ACCESS_TOKEN_SCOPE_INSUFFICIENT", "SERVICE_DISABLED", "BILLING_DISABLED", "IAM_PERMISSION_DENIED"),
    *("invalid_api_key", "API_KEY_INVALID", "ACCESS_TOKEN_TYPE_UNSUPPORTED", "CREDENTIALS_MISSING", "accessDenied"),
    *("account_deactivated", "billing_not_active", "insufficient_permissions", "missing_scope"),
    *("authentication_error", "permission_error", "UNAUTHENTICATED", "PERMISSION_DENIED"),
)


def judge(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Trouble:
    """Judge an answer whose status is not 200. `body` is looked at for 401 and 403 only."""
    trouble = _classify(status, body)
    if trouble.reason is Reason.PROVIDER_BAD_RESPONSE or trouble.reason is Reason.PROVIDER_AUTH:
        return trouble
    asked = headers.get("x-should-retry", "").strip().lower()
    retryable = asked == "true" if asked in {"true", "false"} else trouble.retryable
    return evolve(trouble, retryable=retryable, retry_after=retry_after(headers, now) if retryable else None)


def _classify(status: int, body: bytes) -> Trouble:
    said = f"answered {status}"
    limited = status == HTTPStatus.FORBIDDEN and not _RATE_REASONS.isdisjoint(_reasons(body))
    if status == HTTPStatus.TOO_MANY_REQUESTS or limited:
        return Trouble(Reason.PROVIDER_RATE_LIMIT, f"{said}: too many requests", retryable=True, status=status)
    if status in _AUTH:
        code = _code(body)
        what = f"{said}{f' {code}' if code else ''}: the credential is not accepted"
        return Trouble(Reason.PROVIDER_AUTH, what, status=status, code=code)
    if status in _AGAIN or status in _BROKEN:
        return Trouble(Reason.PROVIDER_UNAVAILABLE, said, retryable=True, status=status)
    if status in _REFUSED:
        return Trouble(Reason.PROVIDER_REFUSED, f"{said}: the request is refused", status=status)
    why = "which redirects; redirects are not followed" if status in _MOVED else "which is not an answer to a read"
    return bad_response(f"{said}, {why}", status=status)


def _code(body: bytes) -> str:
    """Return the most telling known word of an error body; empty when it has none."""
    try:
        error = at(parse(body), "error")
    except DocumentError:
        return ""
    said = {*_reasons(body), *(str(at(error, name)) for name in ("code", "type", "status"))}
    return next((code for code in _AUTH_CODES if code in said), "")


def _reasons(body: bytes) -> Iterator[str]:
    try:
        error = at(parse(body), "error")
    except DocumentError:
        return
    for name in ("errors", "details"):
        entries = at(error, name)
        yield from (_reason(entry) for entry in (entries if isinstance(entries, list) else []))


def _reason(entry: Any) -> str:
    found = at(entry, "reason")
    return found if isinstance(found, str) else ""
