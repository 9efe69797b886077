"""The sandbox keeps its parts alive: one that dies is started again where it was, and its new process is told."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import aiohttp
import pytest

from tests.fakes.org_client import EXTRACT, NOTHING, RUNS, OrgClient
from tests.fakes.until import until
from tests.plugins.sandbox import Running


def told(sandbox: Running) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sandbox.stack.manifest_path.read_text())
    return found


async def test_what_runs_is_written_down_for_its_owner_only(sandbox: Running) -> None:
    manifest = told(sandbox)
    assert manifest.keys() == {"rest", "grpc", "metrics", "bigquery", "journal", "root_key", "orgs", "pids"}
    assert manifest["pids"].keys() == {"postgres", "bigquery", "openai", "anthropic", "google", "service", "envoy"}
    assert manifest["orgs"][0] == {"slug": "acme", "api_key": sandbox.org("acme").key, "dataset": "acme_local"}
    assert all(manifest[name].startswith("http://127.0.0.1:") for name in ("rest", "grpc", "metrics", "bigquery"))
    assert manifest["journal"].startswith("postgresql://")
    assert sandbox.stack.manifest_path.stat().st_mode & 0o077 == 0


@pytest.mark.fault("F69")
async def test_parts_that_are_killed_come_back_and_work_goes_on(sandbox: Running, acme: OrgClient) -> None:
    before = told(sandbox)
    for name in ("openai", "envoy", "service", "bigquery"):
        os.kill(before["pids"][name], signal.SIGKILL)

    async def all_new() -> bool:
        pids = told(sandbox)["pids"]
        return all(pids[name] not in {0, before["pids"][name]} for name in ("openai", "envoy", "service", "bigquery"))

    await until(all_new, 30)
    await ready(sandbox)
    after = told(sandbox)
    assert after | {"pids": None} == before | {"pids": None}
    assert after["pids"]["postgres"] == before["pids"]["postgres"]
    run = await acme.done(EXTRACT, date="2025-10-01")
    assert run["status"] == "COMPLETED", run


@pytest.mark.fault("F15")
@pytest.mark.promise("P1")
async def test_the_journal_that_falls_over_comes_back_with_every_run(sandbox: Running, quick: OrgClient) -> None:
    run_id = await quick.accepted(NOTHING, key="before the fall")
    before = told(sandbox)["pids"]["postgres"]
    os.kill(before, signal.SIGKILL)

    async def new() -> bool:
        return told(sandbox)["pids"]["postgres"] not in {0, before}

    async def completed() -> bool:
        reply = await quick.ask("GET", f"{RUNS}/{run_id}")  # UNAVAILABLE while the service notices
        return reply.status == 200 and reply.json["status"] == "COMPLETED"

    await until(new, 30)
    await until(completed, 30)
    assert (await quick.start(NOTHING, key="before the fall")).json["run_id"] == run_id


async def ready(sandbox: Running) -> None:
    """Wait until the service says that it takes work, and Envoy has seen so, too."""

    async def answers() -> bool:
        try:
            return (await sandbox.rest.ask("GET", "/health/ready")).status == 200
        except (OSError, aiohttp.ClientError):
            return False

    await until(answers, 30)
    await sandbox.stack.edge.healthy()  # readiness passes Envoy by
