from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from workers.model.failure import Reason
from workers.rest.verdict import judge

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "reason", "retryable"),
    [
        *((status, Reason.PROVIDER_BAD_RESPONSE, False) for status in (0, 101, 201, 202, 204, 206, 301, 302, 304)),
        *((status, Reason.PROVIDER_BAD_RESPONSE, False) for status in (307, 600, 999)),
        *((status, Reason.PROVIDER_AUTH, False) for status in (401, 403)),
        *((status, Reason.PROVIDER_REFUSED, False) for status in (400, 402, 404, 405, 410, 413, 422, 451)),
        *((status, Reason.PROVIDER_UNAVAILABLE, True) for status in (408, 409, 500, 502, 503, 504, 529, 599)),
        (429, Reason.PROVIDER_RATE_LIMIT, True),
    ],
)
def test_a_status_has_one_meaning(status: int, reason: Reason, retryable: bool) -> None:
    trouble = judge(status, {}, b"", NOW)
    assert (trouble.reason, trouble.retryable, trouble.status) == (reason, retryable, status)


@pytest.mark.parametrize(
    "error",
    [
        {"errors": [{"domain": "usageLimits", "reason": "rateLimitExceeded"}]},
        {"errors": [{"reason": "userRateLimitExceeded"}]},
        {"errors": [{"reason": "other"}, {"reason": "quotaExceeded"}]},
        {"status": "PERMISSION_DENIED", "details": [{"@type": "x/ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED"}]},
    ],
)
def test_a_403_for_rates_is_a_rate_limit(error: object) -> None:
    trouble = judge(403, {"retry-after": "3"}, json.dumps({"error": error}).encode(), NOW)
    assert (trouble.reason, trouble.retryable, trouble.retry_after) == (Reason.PROVIDER_RATE_LIMIT, True, 3.0)


@pytest.mark.parametrize(
    "body",
    [
        *(
            b"",
            b"<html>",
            b"[]",
            b'{"error": "rateLimitExceeded"}',
            b'{"error": {"errors": [{"reason": "forbidden"}]}}',
        ),
        b'{"error": {"errors": {"reason": "quotaExceeded"}, "details": [1, {"reason": {}}]}}',
    ],
)
def test_any_other_403_is_a_matter_of_the_credential(body: bytes) -> None:
    assert judge(403, {"x-should-retry": "true", "retry-after": "3"}, body, NOW).reason is Reason.PROVIDER_AUTH


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_credential_is_never_tried_again(status: int) -> None:
    assert not judge(status, {"x-should-retry": "true"}, b"", NOW).retryable


@pytest.mark.parametrize(
    ("status", "said", "retryable"),
    [(500, "false", False), (429, "False", False), (400, "true", True), (500, "maybe", True), (400, "", False)],
)
def test_a_provider_may_say_whether_to_retry(status: int, said: str, retryable: bool) -> None:
    assert judge(status, {"x-should-retry": said}, b"", NOW).retryable is retryable


def test_a_wait_counts_only_where_there_is_a_retry() -> None:
    assert judge(503, {"retry-after": "3"}, b"", NOW).retry_after == 3.0
    assert judge(404, {"retry-after": "3"}, b"", NOW).retry_after is None


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": "invalid_api_key", "type": "invalid_request_error"}, "invalid_api_key"),
        ({"type": "authentication_error", "message": "invalid x-api-key"}, "authentication_error"),
        ({"status": "PERMISSION_DENIED", "details": [{"reason": "SERVICE_DISABLED"}]}, "SERVICE_DISABLED"),
        ({"code": 403, "status": "UNAUTHENTICATED"}, "UNAUTHENTICATED"),
        ({"code": "sk-admin-canary", "type": "canary"}, ""),
        ("invalid_api_key", ""),
    ],
)
@pytest.mark.parametrize("status", [401, 403])
def test_why_a_credential_is_not_accepted_is_said_by_known_words_only(status: int, error: object, code: str) -> None:
    trouble = judge(status, {}, json.dumps({"error": error}).encode(), NOW)
    assert (trouble.reason, trouble.code) == (Reason.PROVIDER_AUTH, code)
    assert trouble.what == f"answered {status}{f' {code}' if code else ''}: the credential is not accepted"
