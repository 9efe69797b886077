"""Schedules through the edge: put, fired once, seen in the platform's tables, paused, deleted; and the queue."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from server.cli import main
from tests.e2e.stack.test_published import rows
from tests.fakes.org_client import EXTRACT, NOTHING, Json, OrgClient
from tests.fakes.until import until
from tests.plugins.sandbox import Running

SCHEDULER = "/api/v1/scheduler"
MINE = f"{SCHEDULER}/org/timely/pipelines"


@pytest.fixture
def timely(sandbox: Running) -> OrgClient:
    return sandbox.org("timely")


async def put(timely: OrgClient, **changes: Any) -> Json:
    provider, domain, pipeline = NOTHING.split("/")
    body = {"provider": provider, "domain": domain, "pipeline": pipeline, "type": "daily"} | changes
    reply = await timely.ask("POST", MINE, json.dumps(body))
    assert reply.status == 200, reply.json
    kept: Json = reply.json
    return kept


@pytest.mark.fault("F71")
async def test_a_due_schedule_fires_once_however_often_it_is_triggered(sandbox: Running, timely: OrgClient) -> None:
    kept = await put(timely, name="due", parameters={"note": "scheduled", "date": "today-1"})
    await sandbox.journal.execute(
        "UPDATE schedule SET next_due = now(), look_at = now() WHERE schedule_id::text = $1", kept["config_id"]
    )
    replies = await asyncio.gather(*(timely.ask("POST", f"{SCHEDULER}/trigger", "{}") for _ in range(5)))
    assert [reply.status for reply in replies] == [200] * 5
    assert len({run for reply in replies for run in reply.json["run_ids"]}) == 1
    [run_id] = replies[0].json["run_ids"]
    run = await timely.ended(run_id)
    assert (run["status"], run["trigger_type"], run["parameters"]["note"]) == ("COMPLETED", "scheduler", "scheduled")
    occurrences = (await timely.ask("GET", f"{MINE}/{kept['config_id']}/occurrences?next=3")).json
    assert [one["run_id"] for one in occurrences["past"] if one["state"] == "FIRED"] == [run_id]
    assert [one["state"] for one in occurrences["coming"]] == ["COMING"] * 3


async def test_a_schedule_is_changed_only_by_who_knows_it_and_ends_when_it_is_deleted(
    sandbox: Running, timely: OrgClient
) -> None:
    kept = await put(timely, name="kept", timezone="Europe/Berlin", time="02:30")
    one = f"{MINE}/{kept['config_id']}"
    stale = await timely.ask("POST", MINE, json.dumps(kept | {"etag": "99"}))
    assert stale.refusal == (409, 10, "SCHEDULE_CHANGED")
    paused = (await timely.ask("POST", f"{one}/pause", '{"note": "holiday"}')).json
    assert (paused["is_active"], paused["note"], paused["schedule_cron"]) == (False, "holiday", "30 2 * * *")
    assert (await timely.ask("POST", f"{one}/resume", "{}")).json["is_active"]
    foreign = await sandbox.org("globex").ask("GET", f"{one}/occurrences".replace("timely", "globex"))
    absent = await sandbox.org("globex").ask("GET", f"{MINE}/none/occurrences".replace("timely", "globex"))
    assert foreign.refusal == absent.refusal == (404, 5, "SCHEDULE_NOT_FOUND")
    assert (await sandbox.org("globex").ask("GET", MINE)).refusal == (403, 7, "ORG_MISMATCH")
    assert (await timely.ask("DELETE", one)).status == 200
    listed = (await timely.ask("GET", MINE)).json["schedules"]
    assert kept["config_id"] not in {schedule["config_id"] for schedule in listed}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"schedule_cron": "0 0 31 2 *"}', "never fires"),
        ('{"timezone": "Nowhere"}', "no time zone"),
        ('{"is_active": "yes"}', "true or false"),
        ('{"cron": "* * * * *"}', "not known"),
    ],
)
async def test_what_is_no_schedule_is_refused_with_the_reason(timely: OrgClient, body: str, said: str) -> None:
    named = {"provider": "example", "domain": "smoke", "pipeline": "nothing", "schedule_cron": "* * * * *"}
    reply = await timely.ask("POST", MINE, json.dumps(named | json.loads(body)))
    assert reply.refusal == (400, 3, "REQUEST_INVALID")
    assert said in reply.json["message"]


async def test_the_queue_and_the_status_are_the_callers_and_all_are_roots(sandbox: Running, timely: OrgClient) -> None:
    await sandbox.faults({"kind": "hang", "endpoint": "completions", "times": None})
    run_id = await timely.accepted(EXTRACT, date="2025-05-03")
    await timely.events(run_id, upto="STEP_STARTED")
    root = {"X-CA-Root-Key": sandbox.stack.secrets.root_key}
    mine, everything = (
        (await timely.ask("GET", f"{SCHEDULER}/queue")).json,
        (await sandbox.rest.ask("GET", f"{SCHEDULER}/queue?page_size=100", root)).json,
    )
    assert [(item["run_id"], item["state"]) for item in mine["items"]] == [(run_id, "PROCESSING")]
    assert [(lane["org_slug"], lane["running"], lane["cap"]) for lane in mine["lanes"]] == [("timely", 1, 20)]
    assert run_id in {item["run_id"] for item in everything["items"]}
    status = (await timely.ask("GET", f"{SCHEDULER}/status")).json
    assert (status["pipelines_running"], status["queue_length"]) == (1, 0)
    for path in ("queue/process", "process-queue"):
        assert (await timely.ask("POST", f"{SCHEDULER}/{path}", "{}")).json == {"waiting_runs": 0, "started_runs": 0}
    await timely.cancel(run_id)


async def test_an_organisation_that_may_not_run_processes_nothing(sandbox: Running) -> None:
    refused = await sandbox.org("ended").ask("POST", f"{SCHEDULER}/queue/process", "{}")
    assert refused.refusal == (403, 7, "SUBSCRIPTION_INACTIVE")
    late = await sandbox.org("ended").ask("POST", f"{SCHEDULER}/trigger", '{"due_at": "2016-01-01T00:00:00Z"}')
    assert late.refusal == (400, 3, "REQUEST_INVALID")


async def cli(timely: OrgClient, *words: str) -> Result:
    """Run the command line beside this loop."""
    env = {"PIPELINES_ENDPOINT": timely.rest.base, "PIPELINES_API_KEY": timely.key, "PIPELINES_ORG": timely.slug}
    return await asyncio.to_thread(CliRunner(env=env).invoke, main, ["schedules", *words])


def lines(said: Result) -> list[Json]:
    assert said.exit_code == 0, said.output
    return [json.loads(line) for line in said.stdout.splitlines()]


async def test_the_command_line_keeps_schedules(timely: OrgClient) -> None:
    put_it = await cli(timely, "put", NOTHING, "--name", "cli", "--monthly", "3@04:05", "-p", "note=x", "--json")
    [kept] = lines(put_it)
    config_id = kept["config_id"]
    coming = lines(await cli(timely, "next", config_id, "-n", "2", "--json"))
    assert ([one["state"] for one in coming], kept["schedule_cron"]) == (["COMING"] * 2, "5 4 3 * *")
    assert "paused" in (await cli(timely, "pause", config_id, "--note", "why")).output
    assert "paused why" in (await cli(timely, "list")).output
    assert lines(await cli(timely, "resume", config_id, "--json"))[0]["is_active"]
    assert lines(await cli(timely, "occurrences", config_id, "--json")) == []
    assert (await cli(timely, "delete", config_id)).exit_code == 0
    again = await cli(timely, "delete", config_id)
    assert (again.exit_code, "SCHEDULE_NOT_FOUND" in again.output) == (2, True)


async def test_what_schedules_did_is_published(sandbox: Running, timely: OrgClient) -> None:
    """By now it was: the first test's run ended a while ago."""
    [kept] = [one for one in (await timely.ask("GET", MINE)).json["schedules"] if one["name"] == "due"]

    async def done() -> list[Json]:
        found = await rows(sandbox, "org_scheduled_pipeline_runs", "config_id", kept["config_id"])
        return [row for row in found if row["state"] == "COMPLETED"]

    [occurrence] = await until(done, 20, pause=0.25)
    [queued] = await rows(sandbox, "org_pipeline_execution_queue", "run_id", occurrence["pipeline_logging_id"])
    [config] = await rows(sandbox, "org_pipeline_configs", "config_id", kept["config_id"])
    assert (queued["state"], config["schedule_cron"], config["timezone"]) == ("COMPLETED", "0 0 * * *", "UTC")
