"""Runs told over REST: one, many, page by page, live, why, stopped and taken up again."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.fakes.org_client import EXTRACT, NOTHING, RUNS, OrgClient, step_of
from tests.fakes.until import until
from tests.plugins.sandbox import Running

HANG = {"kind": "hang", "endpoint": "completions", "times": None}


async def test_a_run_tells_its_days_steps_and_times(quick: OrgClient) -> None:
    run = await quick.done(NOTHING, note="told")
    step = run["steps"][0]
    assert (run["status"], run["attempt"], run["trigger_type"]) == ("COMPLETED", 1, "api")
    assert run["created_at"] <= run["start_time"] <= run["end_time"]
    assert len(run["config_hash"]) == 64
    assert (step["step_id"], step["ps_type"], step["status"]) == ("validate_wiring", "generic.nothing", "COMPLETED")
    assert isinstance(run["duration_ms"], int | float)
    assert "retry_of" not in run or run["retry_of"] == ""


async def test_runs_are_listed_newest_first_and_page_by_page(sandbox: Running) -> None:
    globex = sandbox.org("globex")
    started = [await globex.accepted(NOTHING, note=f"page {number}") for number in range(5)]
    listed, token = [], ""
    while True:
        page = (await globex.ask("GET", f"{RUNS}?pipeline_id=globex-example-smoke-nothing&page_size=2{token}")).json
        listed += [run["run_id"] for run in page["runs"]]
        assert len(page["runs"]) <= 2
        if not page["next_page_token"]:
            break
        token = f"&page_token={page['next_page_token']}"
    assert [run_id for run_id in listed if run_id in started] == started[::-1]
    assert len(listed) == len(set(listed))


async def test_limit_is_another_name_of_page_size(quick: OrgClient) -> None:
    for _ in range(2):
        await quick.accepted(NOTHING, force_refresh=True)
    assert len((await quick.ask("GET", f"{RUNS}?limit=1")).json["runs"]) == 1


async def test_a_status_filters(quick: OrgClient) -> None:
    await quick.done(NOTHING)
    runs = (await quick.ask("GET", f"{RUNS}?status=COMPLETED")).json["runs"]
    assert {run["status"] for run in runs} == {"COMPLETED"}


@pytest.mark.item("F83")
async def test_page_tokens_that_are_forged_cut_or_another_organisations_are_the_same_refusal(
    sandbox: Running, quick: OrgClient
) -> None:
    for _ in range(2):
        await quick.accepted(NOTHING, force_refresh=True)
    token = (await quick.ask("GET", f"{RUNS}?page_size=1")).json["next_page_token"]
    asked = [(quick, "forged"), (quick, token[:-4]), (sandbox.org("globex"), token)]
    replies = [await org.ask("GET", f"{RUNS}?page_size=1&page_token={one}", x_request_id="one") for org, one in asked]
    assert replies[0].refusal == (400, 3, "PAGE_TOKEN_INVALID")
    assert len({reply.body for reply in replies}) == 1


@pytest.mark.parametrize(
    "query", ["page_size=-1", "status=DONE", "status=COMPLETED%27", "pipeline_id=A%20B", "organisation=globex"]
)
async def test_a_filter_that_is_none_is_refused(quick: OrgClient, query: str) -> None:
    assert (await quick.ask("GET", f"{RUNS}?{query}")).refusal == (400, 3, "REQUEST_INVALID")


async def test_events_come_in_order_without_gaps_and_end_with_the_terminal_one(quick: OrgClient) -> None:
    events = await quick.events(await quick.accepted(NOTHING, note="events"))
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert [event["type"] for event in events] == [
        "QUEUED",
        "STARTED",
        "STEP_STARTED",
        "STEP_FINISHED",
        "TERMINAL",
    ]
    assert events[-1]["status"] == "COMPLETED"


@pytest.mark.parametrize("after", [0, 1, 3, 4, 5, 1000])
async def test_events_replay_from_any_sequence_and_always_end(quick: OrgClient, after: int) -> None:
    run = await quick.done(NOTHING, note="replayed")
    events = await quick.events(run["run_id"], after)
    assert [event["sequence"] for event in events] == (list(range(after + 1, 6)) or [after])
    assert (events[-1]["type"], events[-1]["status"]) == ("TERMINAL", "COMPLETED")


async def test_events_are_sent_for_browsers_too(quick: OrgClient) -> None:
    run = await quick.done(NOTHING, note="browser")
    reply = await quick.ask("GET", f"{RUNS}/{run['run_id']}/events", Accept="text/event-stream")
    assert reply.headers["Content-Type"].startswith("text/event-stream")
    parts = [part.removeprefix(b"data: ") for part in reply.body.strip().split(b"\n\n")]
    assert [json.loads(part)["type"] for part in parts][-1] == "TERMINAL"


async def test_events_of_a_live_run_arrive_while_it_runs(sandbox: Running, acme: OrgClient) -> None:
    await sandbox.faults({"kind": "delay", "endpoint": "completions", "seconds": 1})
    run_id = await acme.accepted(EXTRACT, date="2025-04-01")
    seen = await acme.events(run_id, upto="STEP_STARTED", step="extract_usage")
    assert (await acme.run(run_id))["status"] == "RUNNING"
    rest = await acme.events(run_id, after=seen[-1]["sequence"])
    assert {"PROGRESS", "STEP_FINISHED", "TERMINAL"} <= {event["type"] for event in rest}


async def test_a_waiting_run_is_cancelled_at_once(sandbox: Running) -> None:
    busy = sandbox.org("busy")
    await sandbox.faults(HANG)
    holder = await busy.accepted(EXTRACT, date="2025-04-01")
    waiting = await busy.accepted(EXTRACT, date="2025-04-02")
    await busy.events(holder, upto="STEP_STARTED")
    assert await _reasons(busy, waiting) == ["CAP_REACHED"]
    assert await _reasons(busy, holder) == ["RUNNING"]
    assert (await busy.cancel(waiting))["status"] == "CANCELLED"
    assert (await busy.cancel(holder))["status"] == "CANCELLING"
    assert (await busy.ended(holder))["status"] == "CANCELLED"


@pytest.mark.promise("P7")
async def test_a_running_run_is_cancelled_within_two_heartbeats(sandbox: Running, acme: OrgClient) -> None:
    await sandbox.faults(HANG)
    run_id = await acme.accepted(EXTRACT, date="2025-04-03")
    await acme.events(run_id, upto="STEP_STARTED", step="extract_usage")
    reply = await acme.ask("DELETE", f"{RUNS}/{run_id}")
    assert (reply.status, reply.json["status"]) == (200, "CANCELLING")
    assert (await acme.cancel(run_id))["status"] in {"CANCELLING", "CANCELLED"}
    async with asyncio.timeout(4):
        run = await acme.ended(run_id)
    assert (run["status"], run["error"]["reason"]) == ("CANCELLED", "CANCELLED")
    assert {step["status"] for step in run["steps"]} <= {"CANCELLED", "COMPLETED"}
    assert (await _reasons(acme, run_id))[0] == "CANCELLED"


async def test_cancelling_what_is_over_changes_nothing(quick: OrgClient) -> None:
    run = await quick.done(NOTHING, note="over")
    assert await quick.cancel(run["run_id"]) == run


async def test_a_retry_is_a_new_run_that_adopts_what_succeeded(sandbox: Running) -> None:
    unlucky = sandbox.org("unlucky_8")
    await sandbox.faults({"kind": "status", "endpoint": "costs", "status": 400, "times": None})
    failed = await unlucky.done(EXTRACT, date="2025-04-04")
    await sandbox.faults()
    reply = await unlucky.ask("POST", f"{RUNS}/{failed['run_id']}/retry", "{}")
    again = await unlucky.ended(reply.json["run_id"])
    assert (failed["status"], again["status"]) == ("FAILED", "COMPLETED")
    assert (again["retry_of"], again["trigger_type"]) == (failed["run_id"], "retry")
    assert again["parameters"] == failed["parameters"]
    assert step_of(again, "extract_usage") == step_of(failed, "extract_usage")
    assert (await unlucky.run(failed["run_id"])) == failed


async def test_what_completed_or_lives_is_not_retried(sandbox: Running, quick: OrgClient) -> None:
    done = await quick.done(NOTHING, note="fine")
    await sandbox.faults(HANG)
    live = await sandbox.org("globex").accepted(EXTRACT, date="2025-04-05")
    for org, run_id in ((quick, done["run_id"]), (sandbox.org("globex"), live)):
        reply = await org.ask("POST", f"{RUNS}/{run_id}/retry", "{}")
        assert reply.refusal == (400, 9, "RUN_NOT_RETRYABLE")
    await sandbox.org("globex").cancel(live)


async def test_a_completed_run_is_explained(quick: OrgClient) -> None:
    run = await quick.done(NOTHING, note="why")
    assert await _reasons(quick, run["run_id"]) == ["COMPLETED"]


async def test_every_pipeline_is_listed_with_what_it_takes(quick: OrgClient) -> None:
    listed = {found["pipeline_id"]: found for found in (await quick.ask("GET", "/api/v1/pipelines")).json["pipelines"]}
    usage, nothing = listed["quick-openai-cost-usage_cost"], listed["quick-example-smoke-nothing"]
    assert usage["integration_required"] == ["OPENAI"]
    assert usage["steps"] == ["load_prices", "extract_usage", "extract_reported_cost", "transform_cost"]
    assert [(one["name"], one["type"], one["required"]) for one in nothing["parameters"]] == [("note", "string", False)]


@pytest.mark.promise("P13")
async def test_no_slot_stays_taken(sandbox: Running) -> None:
    async def idle() -> Any:
        return await sandbox.journal.fetchval("SELECT count(*) = 0 FROM queue WHERE state = 'leased'")

    await until(idle, 10)
    assert await sandbox.journal.fetchval("SELECT count(*) FROM lane_drift") == 0


async def _reasons(org: OrgClient, run_id: str) -> list[str]:
    return [reason["reason"] for reason in (await org.explain(run_id))["reasons"]]
