from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.google.account import new_key_file
from tests.unit.sandbox.google.conftest import Caller

ACCOUNTS = "/v1/billingAccounts"
INSTANCES = "/compute/v1/projects/acme-prod/aggregated/instances"


async def test_a_signed_assertion_becomes_a_token_that_opens_what_its_scopes_say(caller: Caller) -> None:
    answer = await caller.ask_token(caller.assertion())
    granted = await answer.json()
    assert (granted["expires_in"], granted["token_type"]) == (3600, "Bearer")
    assert (await caller.get(ACCOUNTS, granted["access_token"])).status == 200


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aud": "https://evil.example.com/token"}, "invalid_grant"),
        ({"iss": "somebody@else.iam.gserviceaccount.com"}, "invalid_grant"),
        ({"iat": 0, "exp": 3600}, "invalid_grant"),
        ({"exp": 2**40}, "invalid_grant"),
        ({"iat": None}, "invalid_grant"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
    ],
)
async def test_an_assertion_that_claims_otherwise_is_refused(
    caller: Caller, changes: dict[str, Any], code: str
) -> None:
    answer = await caller.ask_token(caller.assertion(**changes))
    assert (answer.status, (await answer.json())["error"]) == (400, code)


async def test_an_assertion_signed_by_another_key_is_refused(caller: Caller) -> None:
    other = json.loads(new_key_file(1024))["private_key"]
    answer = await caller.ask_token(caller.assertion(other))
    assert await answer.json() == {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}


@pytest.mark.parametrize("assertion", ["", "a.b", "a.b.c", "e30.e30.e30", "....", "é.é.é"])
async def test_what_is_no_assertion_is_refused(caller: Caller, assertion: str) -> None:
    answer = await caller.ask_token(assertion)
    assert (answer.status, (await answer.json())["error"]) == (400, "invalid_grant")


async def test_another_grant_is_not_supported(caller: Caller) -> None:
    answer = await caller.ask_token(caller.assertion(), "client_credentials")
    assert (answer.status, (await answer.json())["error"]) == (400, "unsupported_grant_type")


async def reason(caller: Caller, path: str, token: str) -> tuple[int, str]:
    answer = await caller.get(path, token)
    error = (await answer.json())["error"]
    assert error["code"] == answer.status
    return answer.status, error["details"][0]["reason"]


async def test_a_token_is_needed_and_its_scopes_count(caller: Caller) -> None:
    billing = await caller.token(scope="https://www.googleapis.com/auth/cloud-billing.readonly")
    assert await reason(caller, INSTANCES, billing) == (403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT")
    assert await reason(caller, ACCOUNTS, "ya29.unknown") == (401, "ACCESS_TOKEN_TYPE_UNSUPPORTED")
    assert await reason(caller, ACCOUNTS, "") == (401, "CREDENTIALS_MISSING")


async def test_a_token_ends_after_an_hour(caller: Caller) -> None:
    token = await caller.token()
    caller.ahead[0] = 3601
    assert await reason(caller, ACCOUNTS, token) == (401, "ACCESS_TOKEN_EXPIRED")
