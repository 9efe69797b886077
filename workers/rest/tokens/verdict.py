"""What the answer of a token endpoint means: a grant, or the trouble it was. Pure; nothing of a body is quoted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from attrs import frozen

from workers.model.failure import Reason
from workers.model.secret import Secret
from workers.rest.document import DocumentError, parse
from workers.rest.retry_after import retry_after
from workers.rest.trouble import Trouble, bad_response

UNSAID_SECONDS = 300.0
LONGEST_SECONDS = 86_400.0

# RFC 6749 §5.2, and what Google's endpoint adds. Only such a word is shown: what else stands there may be anything.
_CODES = frozenset({
    "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
    "invalid_scope", "access_denied", "invalid_target", "invalid_token", "consent_required", "login_required",
    "interaction_required", "admin_policy_enforced", "deleted_client", "disabled_client", "org_internal",
    "account_disabled", "rate_limit_exceeded",
})  # fmt: skip
_PASSING = frozenset({"internal_failure", "server_error", "temporarily_unavailable", "slow_down"})
# A 502 is a balancer's word for a 503.
_AGAIN = frozenset({408, 500, 502, 503, 504})
_REFUSALS = frozenset({400, 401, 403})
_SENDABLE = re.compile(r"[\x21-\x7e]+")
_DIGITS = re.compile(r"\d{1,12}", re.ASCII)


@frozen(repr=False)
class Grant:
    """An access token and its life in seconds; `refresh_token` is empty where none came with it."""

    token: Secret
    seconds: float
    refresh_token: str = ""


def judge(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> Grant | Trouble:
    """Judge a whole answer."""
    if status == HTTPStatus.OK:
        return _granted(body)
    said, code = f"answered {status}", _code(body)
    shown = f"{said}: {code}" if code else said
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = retry_after(headers, now)
        return Trouble(Reason.PROVIDER_RATE_LIMIT, shown, retryable=True, retry_after=wait, status=status)
    if status in _AGAIN or code in _PASSING:
        wait = retry_after(headers, now)
        return Trouble(Reason.PROVIDER_UNAVAILABLE, shown, retryable=True, retry_after=wait, status=status)
    if status in _REFUSALS:
        return Trouble(Reason.PROVIDER_AUTH, shown, status=status, code=code)
    return bad_response(f"{shown}, which no token endpoint should", status=status)


def _granted(body: bytes) -> Grant | Trouble:
    members = _members(body)
    token, kind = members.get("access_token"), members.get("token_type", "Bearer")
    renewed = members.get("refresh_token") or ""
    seconds = _seconds(members.get("expires_in"))
    if not isinstance(token, str) or not _SENDABLE.fullmatch(token):
        return _wrong("has no access token that can be sent")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        return _wrong("has a token that is no bearer token")
    if not isinstance(renewed, str):
        return _wrong("has a refresh token that is no text")
    if seconds is None:
        return _wrong("does not say in seconds how long its token lives")
    return Grant(Secret(token), seconds, renewed)


def _wrong(what: str) -> Trouble:
    return bad_response(f"answered with a body that {what}", status=int(HTTPStatus.OK))


def _seconds(value: Any) -> float | None:
    if value is None:
        return UNSAID_SECONDS
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return None
    return float(min(max(value, 0), int(LONGEST_SECONDS)))


def _code(body: bytes) -> str:
    code = _members(body).get("error")
    return code if isinstance(code, str) and code in _CODES | _PASSING else ""


def _members(body: bytes) -> Mapping[str, Any]:
    try:
        value = parse(body)
    except DocumentError:
        return {}
    return value if isinstance(value, dict) else {}
