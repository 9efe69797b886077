"""What is refused, in the documented order, in one shape, with nothing left behind."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes.org_client import NOTHING, RUNS, USAGE_COST, OrgClient
from tests.plugins.sandbox import MEND_AT, Running

ABSENT = "01900000-0000-4000-8000-000000000000"
HERE = "/api/v1/pipelines/run"


async def test_no_key_comes_before_everything_else(sandbox: Running) -> None:
    reply = await sandbox.rest.ask("POST", f"{HERE}/acme/Openai/cost/absent", {}, '{"unknown": 1}')
    assert reply.refusal == (401, 16, "KEY_INVALID")
    assert "X-API-Key" in reply.json["message"]


async def test_the_root_key_runs_no_pipeline(sandbox: Running) -> None:
    headers = {"X-CA-Root-Key": sandbox.stack.secrets.root_key}
    reply = await sandbox.rest.ask("POST", f"{HERE}/acme/Openai/cost/absent", headers)
    assert reply.refusal == (403, 7, "KEY_KIND_NOT_ALLOWED")


@pytest.mark.parametrize(
    "org", ["globex", "no_such_org", "ACME", "%D0%B0cme"], ids=["real", "absent", "case", "cyrillic"]
)
async def test_another_organisation_is_refused_alike_whether_it_exists_or_not(acme: OrgClient, org: str) -> None:
    reply = await acme.ask("POST", f"{HERE}/{org}/Openai/cost/absent", '{"unknown": 1}')
    assert reply.refusal == (403, 7, "ORG_MISMATCH")
    assert reply.json["message"] == "the key belongs to another organisation"


async def test_a_bad_name_comes_before_an_absent_pipeline(acme: OrgClient) -> None:
    reply = await acme.ask("POST", f"{HERE}/acme/Openai/co%20st/absent", '{"unknown": 1}')
    assert reply.refusal == (400, 3, "REQUEST_INVALID")
    assert _fields(reply.json) == {"provider", "domain"}


async def test_an_absent_pipeline_comes_before_bad_parameters(acme: OrgClient) -> None:
    reply = await acme.ask("POST", f"{HERE}/acme/openai/cost/absent", '{"unknown": 1}')
    assert reply.refusal == (404, 5, "PIPELINE_NOT_FOUND")
    assert "openai/cost/absent" in reply.json["message"]


async def test_all_bad_parameters_are_named_at_once_before_the_subscription_is_looked_at(sandbox: Running) -> None:
    wrong: dict[str, Any] = {"date": "2025-02-30", "force_refresh": "yes", "trigger_by": 7, "unknown": 1}
    reply = await sandbox.org("ended").start(USAGE_COST, **wrong)
    assert reply.refusal == (400, 3, "PARAMETERS_INVALID")
    assert _fields(reply.json) == set(wrong)
    assert all(name in reply.json["message"] for name in wrong)


async def test_a_subscription_that_is_over_comes_before_the_credential(sandbox: Running) -> None:
    reply = await sandbox.org("ended").start(USAGE_COST)
    assert reply.refusal == (403, 7, "SUBSCRIPTION_INACTIVE")
    assert MEND_AT in reply.json["message"]


async def test_a_credential_that_is_switched_off_is_named(sandbox: Running) -> None:
    reply = await sandbox.org("keyless").start(USAGE_COST)
    assert reply.refusal == (400, 9, "INTEGRATION_NOT_CONFIGURED")
    assert reply.info["metadata"] == {"provider": "OPENAI"}
    assert MEND_AT in reply.json["message"]


async def test_what_needs_no_credential_runs_without_one(sandbox: Running) -> None:
    assert (await sandbox.org("keyless").done(NOTHING))["status"] == "COMPLETED"


async def test_nothing_of_a_refused_call_is_journalled(sandbox: Running) -> None:
    for org in ("ended", "keyless"):
        await sandbox.org(org).start(USAGE_COST, key="never")
    counted = "SELECT count(*) FROM run WHERE org IN ('ended', 'keyless') AND pipeline <> 'nothing'"
    assert await sandbox.journal.fetchval(counted) == 0
    assert await sandbox.journal.fetchval("SELECT count(*) FROM idempotency WHERE key = 'never'") == 0


@pytest.mark.promise("P12")
@pytest.mark.parametrize(
    "call", ["GET {}", "GET {}/events", "GET {}/explain", "POST {}/cancel", "POST {}/retry", "DELETE {}"]
)
async def test_a_foreign_run_and_an_absent_one_are_the_same_bytes(quick: OrgClient, acme: OrgClient, call: str) -> None:
    foreign = await quick.accepted(NOTHING, note="private")
    method, _, path = call.partition(" ")
    answers = [
        await acme.ask(method, path.format(f"{RUNS}/{run_id}"), x_request_id="one-id") for run_id in (foreign, ABSENT)
    ]
    assert [answer.refusal for answer in answers] == [(404, 5, "RUN_NOT_FOUND")] * 2
    assert answers[0].body == answers[1].body
    assert {**answers[0].headers, "date": ""}.keys() == {**answers[1].headers, "date": ""}.keys()
    assert (await quick.run(foreign))["status"] != "CANCELLED"


def _fields(shape: dict[str, Any]) -> set[str]:
    bad = [detail for detail in shape["details"] if detail["@type"].endswith("google.rpc.BadRequest")]
    assert len(bad) == 1, json.dumps(shape)
    return {violation["field"] for violation in bad[0]["field_violations"]}
