"""What a provider gets wrong ends the step with its class, its attempt and its URL, and never touches the table."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.org_client import EXTRACT, USAGE_COST, Json, OrgClient, step_of
from tests.fakes.until import until
from tests.plugins.sandbox import MEND_AT, Running

DAY = "2025-06-01"
WHOSE = {
    "PROVIDER_AUTH": ("organisation", "AFTER_FIX", MEND_AT),
    "PROVIDER_REFUSED": ("caller", "NEW_RUN", ""),
    "PROVIDER_BAD_RESPONSE": ("provider", "NOW", ""),
}
FOR_GOOD: dict[str, Any] = {"endpoint": "completions", "times": None}
FAILURES = {
    "no_such_key": ({"kind": "status", "status": 401}, "PERMISSION_DENIED", "PROVIDER_AUTH"),
    "scope": ({"kind": "status", "status": 403}, "PERMISSION_DENIED", "PROVIDER_AUTH"),
    "gone": ({"kind": "status", "status": 404}, "FAILED_PRECONDITION", "PROVIDER_REFUSED"),
    "cut": ({"kind": "truncated"}, "FAILED_PRECONDITION", "PROVIDER_BAD_RESPONSE"),
    "html": ({"kind": "html"}, "FAILED_PRECONDITION", "PROVIDER_BAD_RESPONSE"),
    "circle": ({"kind": "repeated_cursor"}, "FAILED_PRECONDITION", "PROVIDER_BAD_RESPONSE"),
    "nowhere": ({"kind": "lost_cursor"}, "FAILED_PRECONDITION", "PROVIDER_BAD_RESPONSE"),
    "redirect": ({"kind": "redirect"}, "FAILED_PRECONDITION", "PROVIDER_BAD_RESPONSE"),
}


@pytest.fixture(params=[pytest.param((place, *what), id=name) for place, (name, what) in enumerate(FAILURES.items())])
def failure(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.mark.fault("F44", "F45", "F46")
async def test_a_failing_provider_ends_the_step_with_its_class_at_once(sandbox: Running, failure: Any) -> None:
    number, rule, code, reason = failure
    unlucky = sandbox.org(f"unlucky_{number}")
    await sandbox.faults(FOR_GOOD | rule)
    before = await asked(sandbox)
    run = await unlucky.done(EXTRACT, date=DAY)
    error = step_of(run, "extract_usage")["error"]
    assert (run["status"], error["code"], error["reason"]) == ("FAILED", code, reason)
    assert run["error"] == error
    assert await asked(sandbox) - before == (2 if rule["kind"] == "repeated_cursor" else 1)
    await said_well(sandbox, unlucky, run, error["message"])


async def said_well(sandbox: Running, org: OrgClient, run: Json, message: str) -> None:
    """The URL stands in the message without its query; who can mend it is told; the table has nothing of it."""
    assert f"{sandbox.simulator.base_url}/organization/usage/completions" in message
    assert "?" not in message
    assert not any(secret in str(run) for secret in sandbox.secrets)
    why = (await org.explain(run["run_id"]))["reasons"][0]
    assert (why["reason"], why["step"], why["message"]) == (run["error"]["reason"], "extract_usage", message)
    assert (why["owner"], why["retry"], why["link"]) == WHOSE[why["reason"]]
    assert await sandbox.query(f"SELECT COUNT(*) AS n FROM {org.dataset}.openai_usage_daily_raw") == [{"n": 0}]


async def asked(sandbox: Running) -> int:
    """How many requests for completions the provider has seen."""
    async with sandbox.rest.session.get(f"{sandbox.simulator.origin}/_requests") as answer:
        return int((await answer.json())["by_path"].get("/v1/organization/usage/completions", 0))


@pytest.mark.fault("F41", "F43")
async def test_a_short_trouble_is_only_a_pause(sandbox: Running, acme: OrgClient) -> None:
    await sandbox.faults(
        {"kind": "status", "endpoint": "completions", "status": 503},
        {"kind": "reset", "endpoint": "embeddings"},
        {"kind": "status", "endpoint": "images", "status": 429, "retry_after": 1},
    )
    run = await acme.done(EXTRACT, date="2025-06-02", force_refresh=True)
    assert (run["status"], step_of(run, "extract_usage")["status"]) == ("COMPLETED", "COMPLETED")


@pytest.mark.fault("F40")
async def test_a_long_wait_gives_the_slot_back_and_is_explained(sandbox: Running) -> None:
    patient = sandbox.org("patient")
    await sandbox.faults({"kind": "status", "endpoint": "completions", "status": 429, "retry_after": 600})
    run_id = await patient.accepted(EXTRACT, date="2025-06-03")

    async def waits() -> bool:
        reasons = (await patient.explain(run_id))["reasons"]
        return bool(reasons[0]["reason"] == "RATE_LIMITED")

    await until(waits)
    leased = "SELECT count(*) FROM queue WHERE org = 'patient' AND state = 'leased'"
    assert await sandbox.journal.fetchval(leased) == 0
    run = await patient.run(run_id)
    assert (run["status"], run["attempt"]) == ("PENDING", 0)
    assert (await patient.cancel(run_id))["status"] == "CANCELLED"


async def test_what_may_fail_does_not_stop_what_does_not_need_it(sandbox: Running) -> None:
    patient = sandbox.org("patient")
    await sandbox.faults({"kind": "status", "endpoint": "costs", "status": 400, "times": None})
    run = await patient.done(USAGE_COST, date="2025-06-04")
    assert step_of(run, "extract_reported_cost")["status"] == "FAILED"
    assert step_of(run, "transform_cost")["status"] == "COMPLETED"
    assert run["status"] == "COMPLETED"


async def test_another_organisations_credential_does_not_open(sandbox: Running) -> None:
    swapped, before = sandbox.org("swapped"), await asked(sandbox)
    run = await swapped.done(EXTRACT, date="2025-06-05")
    error = step_of(run, "extract_usage")["error"]
    assert (run["status"], error["reason"]) == ("FAILED", "CREDENTIAL_INVALID")
    assert await asked(sandbox) == before
