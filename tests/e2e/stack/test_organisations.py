"""What an organisation may do follows the platform's tables: quotas, the queue's bound, suspension, revoked keys."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from tests.e2e.stack.conftest import Departure
from tests.fakes.org_client import EXTRACT, NOTHING, RUNS
from tests.fakes.until import until
from tests.plugins.sandbox import SETTINGS, Running

OUT_AFTER = 30


async def test_the_runs_of_a_day_are_exactly_as_many_as_allowed(sandbox: Running) -> None:
    frugal = sandbox.org("frugal")
    replies = await asyncio.gather(*(frugal.start(NOTHING, note=f"day {number}") for number in range(6)))
    assert sorted(reply.status for reply in replies) == [200, 200, 429, 429, 429, 429]
    refused = next(reply for reply in replies if reply.status == 429)
    assert refused.refusal == (429, 8, "QUOTA_EXCEEDED")
    assert 0 < int(refused.headers["Retry-After"]) <= 86_400
    assert any(detail["@type"].endswith("RetryInfo") for detail in refused.json["details"])


async def test_the_runs_of_a_month_are_too(sandbox: Running) -> None:
    monthly = sandbox.org("monthly")
    assert (await monthly.start(NOTHING, note="month 1")).status == 200
    refused = await monthly.start(NOTHING, note="month 2")
    assert refused.refusal == (429, 8, "QUOTA_EXCEEDED")
    assert "month" in refused.json["message"]
    assert int(refused.headers["Retry-After"]) <= 31 * 86_400


async def test_a_live_duplicate_costs_no_quota_and_comes_before_it(sandbox: Running) -> None:
    twin = sandbox.org("twin")
    await sandbox.faults({"kind": "delay", "endpoint": "completions", "seconds": 1.5})
    first = await twin.accepted(EXTRACT, date="2025-05-01")
    again = await twin.start(EXTRACT, date="2025-05-01")
    assert (again.status, again.json["run_id"], again.json["existing"]) == (200, first, True)
    assert (await twin.start(EXTRACT, date="2025-05-02")).refusal == (429, 8, "QUOTA_EXCEEDED")


@pytest.mark.fault("F36")
async def test_more_than_may_wait_is_refused_and_nobody_else_is(sandbox: Running) -> None:
    crowded, most = sandbox.org("crowded"), int(SETTINGS["MAX_WAITING_RUNS_PER_ORG"])
    await sandbox.faults({"kind": "hang", "endpoint": "completions", "times": None})
    holder = await crowded.accepted(EXTRACT, date="2025-05-01")
    await crowded.events(holder, upto="STEP_STARTED")
    replies = [await crowded.start(NOTHING, note=f"{number}") for number in range(most + 2)]
    assert [reply.status for reply in replies] == [200] * most + [429] * 2
    assert replies[-1].refusal == (429, 8, "QUEUE_FULL")
    assert int(replies[-1].headers["Retry-After"]) > 0
    assert (await sandbox.org("quick").start(NOTHING, note="not crowded")).status == 200
    await crowded.cancel(holder)
    assert (await crowded.ended(replies[most - 1].json["run_id"]))["status"] == "COMPLETED"


@pytest.mark.promise("P4")
async def test_at_most_as_many_run_at_once_as_allowed(sandbox: Running) -> None:
    await sandbox.org("crowded").done(NOTHING, note="after the crowd")
    spans = await sandbox.journal.fetch(
        "SELECT start_time, end_time FROM run WHERE org = 'crowded' ORDER BY start_time"
    )
    assert len(spans) > 30
    assert all(earlier["end_time"] <= later["start_time"] for earlier, later in pairwise(spans))
    peak = "SELECT running FROM quota_peak WHERE org = 'crowded'"
    assert await sandbox.journal.fetchval(peak) == 1


async def test_a_suspended_organisation_and_a_revoked_key_are_out_within_thirty_seconds(
    sandbox: Running, departure: Departure
) -> None:
    leaving, revoked = sandbox.org("leaving"), sandbox.org("revoked")

    async def out() -> bool:
        statuses = (await leaving.start(NOTHING)).status, (await revoked.ask("GET", RUNS)).status
        return statuses == (403, 401)

    await until(out, departure.at + OUT_AFTER - time.monotonic(), pause=0.25)
    assert (await leaving.start(NOTHING)).refusal == (403, 7, "SUBSCRIPTION_INACTIVE")
    assert (await revoked.ask("GET", RUNS)).refusal == (401, 16, "KEY_INVALID")


async def test_a_suspended_organisation_still_sees_what_it_had(sandbox: Running, departure: Departure) -> None:
    leaving = sandbox.org("leaving")
    assert (await leaving.run(departure.run_id))["status"] == "COMPLETED"
    again = (await leaving.start(NOTHING, key="before", note="before")).json
    assert (again["run_id"], again["existing"]) == (departure.run_id, True)
    assert (await leaving.start(NOTHING, key="before", note="other")).refusal == (409, 6, "IDEMPOTENCY_MISMATCH")


async def test_runs_are_counted_by_utc_day(sandbox: Running) -> None:
    started = "SELECT started FROM quota_started WHERE org = 'frugal' AND day = $1"
    assert await sandbox.journal.fetchval(started, datetime.now(UTC).date()) == 2
