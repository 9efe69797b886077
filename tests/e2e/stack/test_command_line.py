"""The command line against the running stack: run, follow, show, watch, cancel, retry, list, and its exit status."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from attrs import frozen

from tests.fakes.org_client import EXTRACT, NOTHING, OrgClient
from tests.plugins.sandbox import Running, environment


@frozen
class Said:
    """What a command answered."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


async def cli(org: OrgClient, *words: str, key: str | None = None) -> Said:
    environ = environment(PIPELINES_ENDPOINT=org.rest.base, PIPELINES_API_KEY=org.key if key is None else key)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server.cli", *words),
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    assert process.returncode is not None
    org.rest.answers.keep(out + err)
    return Said(process.returncode, out.decode(), err.decode())


async def test_run_follows_to_the_end_and_says_what_came_of_it(quick: OrgClient) -> None:
    said = await cli(quick, "run", NOTHING, "--org", "quick", "-p", "note=cli", "--follow", "--json")
    assert said.status == 0, said
    assert said.lines[0]["pipeline_id"] == "quick-example-smoke-nothing"
    run = await quick.run(said.lines[0]["run_id"])
    assert (run["status"], run["parameters"]["note"]) == ("COMPLETED", "cli")
    assert "TERMINAL" in said.out


async def test_run_is_shown_to_people_too(acme: OrgClient) -> None:
    said = await cli(acme, "run", EXTRACT, "--org", "acme", "-p", "date=2025-12-01", "--follow")
    assert said.status == 0, said
    assert "extract_usage" in said.out + said.err
    assert "COMPLETED" in said.out + said.err


async def test_a_failed_run_is_status_one(sandbox: Running) -> None:
    patient = sandbox.org("patient")
    await sandbox.faults({"kind": "status", "endpoint": "completions", "status": 404, "times": None})
    said = await cli(patient, "run", EXTRACT, "--org", "patient", "-p", "date=2025-09-10", "--follow")
    assert said.status == 1, said
    assert "PROVIDER_REFUSED" in said.out + said.err
    [run] = (await patient.ask("GET", "/api/v1/pipelines/runs?limit=1")).json["runs"]
    await sandbox.faults()
    again = await cli(patient, "retry", run["run_id"], "--follow", "--json")
    assert again.status == 0, again
    watched = await cli(patient, "watch", run["run_id"], "--json")
    assert (watched.status, watched.lines[-1]["type"]) == (1, "TERMINAL")


async def test_a_cancelled_run_is_status_three(sandbox: Running) -> None:
    globex = sandbox.org("globex")
    await sandbox.faults({"kind": "hang", "endpoint": "completions", "times": None})
    run_id = await globex.accepted(EXTRACT, date="2025-09-11")
    await globex.events(run_id, upto="STEP_STARTED")
    told = await cli(globex, "cancel", run_id, "--json")
    assert (told.status, told.lines[0]["status"]) == (0, "CANCELLING")
    assert (await cli(globex, "watch", run_id)).status == 3


async def test_runs_and_pipelines_are_listed_and_one_is_shown(quick: OrgClient) -> None:
    run = await quick.done(NOTHING, note="listed")
    listed = await cli(quick, "runs", "--limit", "5", "--json")
    assert run["run_id"] in {line["run_id"] for line in listed.lines}
    shown = await cli(quick, "show", run["run_id"])
    assert (shown.status, "validate_wiring" in shown.out) == (0, True)
    assert "openai" in (await cli(quick, "pipelines")).out


async def test_refusals_are_status_two_and_name_their_reason(quick: OrgClient) -> None:
    for words, key, reason in (
        (("run", NOTHING, "--org", "globex"), None, "ORG_MISMATCH"),
        (("run", "openai/cost/absent", "--org", "quick"), None, "PIPELINE_NOT_FOUND"),
        (("runs",), "unknown_0123456789abcdef", "KEY_INVALID"),
    ):
        said = await cli(quick, *words, key=key)
        assert (said.status, reason in said.err) == (2, True), said
        assert quick.key not in said.out + said.err


async def test_a_service_that_is_not_there_is_status_four(quick: OrgClient) -> None:
    said = await cli(quick, "--endpoint", "127.0.0.1:9", "runs")
    assert said.status == 4, said
