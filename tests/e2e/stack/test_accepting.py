"""RunPipeline over REST: one run for one wish, whoever asks how often."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from tests.fakes.org_client import EXTRACT, NOTHING, OrgClient
from tests.plugins.sandbox import Running

HOLD = {"kind": "delay", "endpoint": "completions", "seconds": 1}


async def test_an_accepted_run_is_told_with_all_its_names(quick: OrgClient) -> None:
    reply = await quick.start(NOTHING, note="names")
    receipt = reply.json
    assert reply.status == 200
    assert UUID(receipt["run_id"])
    assert receipt["pipeline_logging_id"] == receipt["run_id"]
    assert receipt["pipeline_id"] == "quick-example-smoke-nothing"
    assert (receipt["org_slug"], receipt["status"], receipt["existing"]) == ("quick", "PENDING", False)
    assert receipt["message"]
    assert reply.headers["X-Request-Id"]


async def test_parameters_arrive_typed_and_stay_with_the_run(quick: OrgClient) -> None:
    run = await quick.done(NOTHING, note="kept ☃", date="2025-01-31", trigger_by="a person")
    assert run["parameters"] == {"note": "kept ☃", "date": "2025-01-31", "trigger_by": "a person"}
    assert (run["run_date"], run["trigger_by"], run["trigger_type"]) == ("2025-01-31", "a person", "api")


async def test_the_same_key_and_body_are_the_same_run(quick: OrgClient) -> None:
    first = (await quick.start(NOTHING, key="same", note="a")).json
    await quick.ended(first["run_id"])
    again = (await quick.start(NOTHING, key="same", note="a")).json
    assert (again["run_id"], again["existing"], again["status"]) == (first["run_id"], True, "COMPLETED")


@pytest.mark.promise("P8")
async def test_the_same_key_with_another_body_is_a_conflict(quick: OrgClient) -> None:
    await quick.accepted(NOTHING, key="conflict", note="a")
    reply = await quick.start(NOTHING, key="conflict", note="b")
    assert reply.refusal == (409, 6, "IDEMPOTENCY_MISMATCH")


async def test_a_key_of_one_organisation_means_nothing_to_another(sandbox: Running, quick: OrgClient) -> None:
    mine = await quick.accepted(NOTHING, key="shared", note="a")
    theirs = (await sandbox.org("globex").start(NOTHING, key="shared", note="b")).json
    assert theirs["existing"] is False
    assert theirs["run_id"] != mine


@pytest.mark.promise("P8")
async def test_twenty_at_once_under_one_key_are_one_run(sandbox: Running, quick: OrgClient) -> None:
    replies = await asyncio.gather(*(quick.start(NOTHING, key="at once", note="x20") for _ in range(20)))
    assert {reply.status for reply in replies} == {200}
    assert len({reply.json["run_id"] for reply in replies}) == 1
    assert sorted(reply.json["existing"] for reply in replies) == [False, *[True] * 19]
    stored = "SELECT count(*) FROM run WHERE org = 'quick' AND parameters->>'note' = 'x20'"
    assert await sandbox.journal.fetchval(stored) == 1


async def test_a_live_run_with_the_same_parameters_stands_for_the_second_call(sandbox: Running) -> None:
    globex = sandbox.org("globex")
    await sandbox.faults(HOLD)
    first = (await globex.start(EXTRACT, date="2025-03-01", trigger_by="first")).json
    await globex.events(first["run_id"], upto="STEP_STARTED", step="extract_usage")
    second = (await globex.start(EXTRACT, date="2025-03-01", trigger_by="second")).json
    other = (await globex.start(NOTHING)).json
    assert (second["run_id"], second["existing"], second["status"]) == (first["run_id"], True, "RUNNING")
    assert (other["existing"], other["run_id"] == first["run_id"]) == (False, False)
    assert (await globex.ended(first["run_id"]))["status"] == "COMPLETED"


async def test_force_refresh_reads_final_days_again_in_a_run_of_its_own(sandbox: Running) -> None:
    globex = sandbox.org("globex")
    await globex.done(EXTRACT, date="2025-03-01")
    idle = await globex.done(EXTRACT, date="2025-03-01")
    assert [step["rows"] for step in idle["steps"]] == [0, 0]
    await sandbox.faults(HOLD)
    older = await globex.accepted(EXTRACT, date="2025-03-01", force_refresh=True)
    newer = (await globex.start(EXTRACT, date="2025-03-01", force_refresh=True)).json
    assert newer["existing"] is False
    run = await globex.ended(newer["run_id"])
    assert (run["status"], all(step["rows"] > 0 for step in run["steps"])) == ("COMPLETED", True)
    assert (await globex.ended(older))["status"] == "COMPLETED"  # it leaves the day to the newer one, if it comes after
    sql = "SELECT DISTINCT run_id FROM globex_local.openai_usage_daily_raw WHERE usage_date = DATE '2025-03-01'"
    assert await sandbox.query(sql) == [{"run_id": newer["run_id"]}]


async def test_an_ended_run_does_not_stand_for_a_new_one(quick: OrgClient) -> None:
    first = await quick.done(NOTHING, note="again")
    second = (await quick.start(NOTHING, note="again")).json
    assert (second["existing"], second["run_id"] == first["run_id"]) == (False, False)
