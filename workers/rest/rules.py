"""What a read's own rules say about an answer, before its status alone is judged. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from http import HTTPStatus
from typing import Any

from workers.model.body import ResponseRule
from workers.model.failure import Reason
from workers.rest.document import DocumentError, at, parse
from workers.rest.expressions import ABSENT
from workers.rest.retry_after import retry_after
from workers.rest.trouble import Trouble


class Ignored(Enum):
    """The answer counts as one without rows, after which there are none."""

    IGNORED = "ignored"


Ruling = Trouble | Ignored | None


def asks_for_body(rules: tuple[ResponseRule, ...], status: int) -> bool:
    """Whether a rule for this status looks into the body."""
    return any(_speaks_of(rule, status) and (rule.contains or rule.when) for rule in rules)


def ruled(
    rules: tuple[ResponseRule, ...], status: int, headers: Mapping[str, str], body: bytes, now: datetime
) -> Ruling:
    """Return what the first rule that fits says; None when none does."""
    return _first(rules, status, headers, now, lambda rule: rule.contains.encode() in body, lambda: _parsed(body))


def ruled_document(
    rules: tuple[ResponseRule, ...], headers: Mapping[str, str], text: str, value: Any, now: datetime
) -> Ruling:
    """Likewise for an answer 200 that is parsed already; `text` is looked through for what a rule `contains`."""
    status = int(HTTPStatus.OK)
    return _first(rules, status, headers, now, lambda rule: rule.contains in text, lambda: value)


def _first(
    rules: tuple[ResponseRule, ...],
    status: int,
    headers: Mapping[str, str],
    now: datetime,
    contains: Callable[[ResponseRule], bool],
    value: Callable[[], Any],
) -> Ruling:
    for rule in rules:
        if _speaks_of(rule, status) and contains(rule) and (not rule.when or _holds(value(), rule.when)):
            return _said(rule, status, headers, now)
    return None


def _speaks_of(rule: ResponseRule, status: int) -> bool:
    return status in rule.statuses if rule.statuses else status != HTTPStatus.OK


def _holds(value: Any, place: str) -> bool:
    try:
        found = at(value, place)
    except DocumentError:
        return False
    return found is not ABSENT and bool(found)


def _parsed(body: bytes) -> Any:
    try:
        return parse(body)
    except DocumentError:
        return ABSENT


def _said(rule: ResponseRule, status: int, headers: Mapping[str, str], now: datetime) -> Ruling:
    what = rule.message or f"answered {status}, which the step has a rule for"
    match rule.action:
        case "ignore":
            return Ignored.IGNORED
        case "retry":
            later = retry_after(headers, now)
            return Trouble(Reason.PROVIDER_UNAVAILABLE, what, retryable=True, retry_after=later, status=status)
        case "rate_limited":
            later = retry_after(headers, now)
            return Trouble(Reason.PROVIDER_RATE_LIMIT, what, retryable=True, retry_after=later, status=status)
        case "refresh_token":
            # The status by which a held token is known to have been rejected.
            return Trouble(Reason.PROVIDER_AUTH, what, status=int(HTTPStatus.UNAUTHORIZED))
        case "fail":
            return Trouble(Reason.PROVIDER_REFUSED, what, status=status)
        case _:
            return None
