"""Organisations beside one another: one with a long backlog, one at the bound of its queue, one that is suspended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import grpc.aio
import pytest

from tests.chaos.arena import ORGS, Arena
from tests.chaos.caps import capped
from tests.chaos.crowd import queued
from tests.chaos.lab import HEAD, STEP
from tests.fakes.org_client import NOTHING, RUNS, OrgClient
from tests.plugins.sandbox import CENTRAL

BACKLOG, EACH = 1500, 3
NOISY_CAP, SLOTS = 4, "3"  # of each of two workers: six slots in all
MOST, ASKED = 5, 20

TWO_STEPS = "lab/faults/two_steps"
DECLARED = (
    HEAD.format(minutes=5) + STEP.format(name="act", minutes=5) + "  - {step_id: after, ps_type: generic.nothing}\n"
)

SET_STATUS = f"UPDATE {CENTRAL}.org_subscriptions SET status = @status WHERE org_slug = @org"
# How many of one organisation's runs began between the acceptance of another's run and its own begin, at most; and how
# many had yet to begin when the last of the others' did.
PASSED = """
WITH quiet AS (
    SELECT min(id) FILTER (WHERE was = '') AS asked, min(id) FILTER (WHERE became = 'RUNNING') AS began
    FROM witness.change WHERE run_id = ANY ($1::uuid[]) GROUP BY run_id
), noise AS (SELECT id FROM witness.change WHERE run_id = ANY ($2::uuid[]) AND became = 'RUNNING')
SELECT (SELECT max((SELECT count(*) FROM noise WHERE id BETWEEN asked AND began)) FROM quiet) AS before,
    (SELECT count(*) FROM noise WHERE id > (SELECT max(began) FROM quiet)) AS after
"""
PEAKS = "SELECT org, max(running) AS peak FROM witness.lease WHERE run_id = ANY ($1::uuid[]) GROUP BY org"
STORED = """
SELECT (SELECT count(*) FROM run WHERE org = $1), (SELECT count(*) FROM queue WHERE org = $1),
    (SELECT count(*) FROM idempotency WHERE org = $1), (SELECT sum(started) FROM quota_started WHERE org = $1),
    (SELECT count(*) FROM step JOIN run USING (run_id) WHERE org = $1)
"""


@pytest.mark.fault("F35")
@pytest.mark.promise("P1", "P4", "P6")
async def test_beside_a_long_backlog_of_one_organisation_every_run_of_the_quiet_ones_starts_early(arena: Arena) -> None:
    noisy, quiet = arena.org(0), [arena.org(n) for n in range(1, len(ORGS))]
    caps = {org.slug: 1 for org in quiet} | {noisy.slug: NOISY_CAP}
    async with capped(arena, caps), arena.answering_only():
        backlog = await queued(arena, ((noisy, f"backlog {number}") for number in range(BACKLOG)))
        others = await all_accepted(arena, quiet, "before")
        at = time.monotonic()
        async with arena.replica(ROLE="worker", MAX_CONCURRENT_RUNS=SLOTS):
            others += await all_accepted(arena, quiet, "meanwhile")
            async with arena.replica(ROLE="worker", MAX_CONCURRENT_RUNS=SLOTS):
                what = f"{BACKLOG} runs of one organisation beside {len(others)} of others"
                toll = await arena.charge(what, BACKLOG, at, [*backlog, *others])
    assert toll.harmless, toll
    passed = await arena.running.journal.fetchrow(PASSED, others, backlog)
    assert passed is not None
    assert passed["before"] < BACKLOG // 10
    assert passed["after"] > BACKLOG // 2
    peaks = await arena.running.journal.fetch(PEAKS, [*backlog, *others])
    assert {row["org"]: row["peak"] for row in peaks} == caps


@pytest.mark.fault("F36")
@pytest.mark.promise("P1", "P8")
async def test_an_organisation_at_the_bound_of_its_queue_is_refused_until_there_is_room_and_nobody_else_is(
    arena: Arena,
) -> None:
    org, others = arena.org(5), [arena.org(n) for n in range(len(ORGS)) if n != 5]
    keys = [f"bound {number}" for number in range(ASKED)]
    async with bounded(arena, MOST):
        before = await stored(arena, org)
        replies = await asyncio.gather(*(org.start(NOTHING, key=key, note=key) for key in keys))
        refused = [reply for reply in replies if reply.status != 200]
        assert len(refused) == ASKED - MOST
        assert {reply.refusal for reply in refused} == {(429, 8, "QUEUE_FULL")}
        assert all(int(reply.headers["Retry-After"]) > 0 for reply in refused)
        with pytest.raises(grpc.aio.AioRpcError) as natively:
            await queued(arena, [(org, "one too many")])
        assert natively.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert [new - old for new, old in zip(await stored(arena, org), before, strict=True)] == [MOST] * len(before)
        beside = await all_accepted(arena, others, "beside the full")
        at = time.monotonic()
        async with arena.replica(ROLE="worker"):
            acked = [await arena.accepted(org, NOTHING, key, note=key) for key in keys]
            toll = await arena.charge("a queue that is full", len(refused), at, [*acked, *beside])
    assert toll.harmless, toll
    assert {reply.json["run_id"] for reply in replies if reply.status == 200} < set(acked)
    assert len(set(acked)) == ASKED


@pytest.mark.fault("F60")
@pytest.mark.promise("P2", "P13")
async def test_who_is_suspended_has_nothing_started_and_ends_the_step_that_runs_and_others_go_on(arena: Arena) -> None:
    org, other, gate = arena.org(2), arena.org(3), arena.gate()
    async with capped(arena, {org.slug: 1}), declared(arena, TWO_STEPS, DECLARED):
        under_way = await org.accepted(TWO_STEPS, do="wait", gate=str(gate))
        await arena.holder(under_way)
        waiting = [await org.accepted(NOTHING, note=f"suspended {n}") for n in range(EACH)]
        at = time.monotonic()
        await arena.running.query(SET_STATUS, org=org.slug, status="SUSPENDED")
        await arena.running.directory_seen()
        assert (await org.start(NOTHING, note="while suspended")).refusal == (403, 7, "SUBSCRIPTION_INACTIVE")
        beside = await arena.accepted(other, NOTHING, "beside the suspended", note="beside the suspended")
        assert await arena.ended(beside) == "COMPLETED"
        assert [await arena.status(run_id) for run_id in (under_way, *waiting)] == ["RUNNING", *["PENDING"] * EACH]
        gate.touch()
        assert await became(arena, org, under_way) == ("FAILED", "SUBSCRIPTION_INACTIVE", ["COMPLETED", "SKIPPED"])
        for run_id in waiting:
            assert await became(arena, org, run_id) == ("FAILED", "SUBSCRIPTION_INACTIVE", ["SKIPPED"])
        await arena.running.query(SET_STATUS, org=org.slug, status="ACTIVE")
        await arena.running.directory_seen()
        again = (await org.ask("POST", f"{RUNS}/{under_way}/retry", "{}")).json["run_id"]
        after = await arena.accepted(org, NOTHING, "restored", note="restored")
        toll = await arena.charge("an organisation that is suspended", 1, at, [beside, again, after])
    assert toll.harmless, toll
    steps = {step["step_id"]: step["attempt"] for step in (await arena.run(org, again))["steps"]}
    assert steps == {"act": 1, "after": 1}


@asynccontextmanager
async def bounded(arena: Arena, most: int) -> AsyncIterator[None]:
    """Let the sandbox's own replica only answer, and take so many waiting runs of an organisation and no more."""
    clean = arena.service.environment
    arena.service.environment = {**clean, "MAX_WAITING_RUNS_PER_ORG": str(most)}
    async with arena.answering_only():
        try:
            yield
        finally:
            arena.service.environment = clean


@asynccontextmanager
async def declared(arena: Arena, pipeline: str, text: str) -> AsyncIterator[None]:
    """Let the service know one more pipeline, which takes a start; nobody asks for it afterwards."""
    file = arena.folder / "tree" / "configs" / f"{pipeline}.yml"
    file.write_text(text)
    try:
        await arena.rearm("")
        yield
    finally:
        file.unlink()


async def all_accepted(arena: Arena, orgs: Sequence[OrgClient], what: str) -> list[str]:
    """Ask for some runs of each organisation, all at once."""
    asked = [(org, f"{what} {org.slug} {number}") for number in range(EACH) for org in orgs]
    return await asyncio.gather(*(arena.accepted(org, NOTHING, key, note=key) for org, key in asked))


async def stored(arena: Arena, org: OrgClient) -> list[int]:
    """Count what the journal has of an organisation's runs, table by table."""
    row = await arena.running.journal.fetchrow(STORED, org.slug)
    return [int(count or 0) for count in row or ()]


async def became(arena: Arena, org: OrgClient, run_id: str) -> tuple[str, str, list[str]]:
    """Return how a run ended, why, and what became of its steps."""
    await arena.ended(run_id)
    run = await arena.run(org, run_id)
    return run["status"], run["error"]["reason"], [step["status"] for step in run["steps"]]
