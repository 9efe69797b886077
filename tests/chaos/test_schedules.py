"""Schedules while schedulers crowd, are away, or are told the same thing again and again: a time is one run."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from datapipeline.v1 import scheduler_pb2, scheduler_pb2_grpc

from tests.chaos.arena import ORGS, Arena
from tests.fakes.org_client import NOTHING, OrgClient
from tests.fakes.until import until
from workers.adapters.journal.schedule_rows import schedule_of
from workers.model.occurrences import jitter

NEVER = "0 0 29 2 *"  # no time of its own comes while the tests run
CROWD, SCHEDULERS, SPREAD_SECONDS = ("crowd_1", "crowd_2", "crowd_spread"), 3, 4
HOURS = 2  # how long ago the times of day were at which the missed slots are due: far from any midnight's edge
CAUGHT_UP = {
    "none": ["MISSED", "MISSED", "MISSED"],
    "latest": ["MISSED", "MISSED", "FIRED"],
    "all": ["FIRED", "FIRED", "FIRED"],
}

DUE = "UPDATE schedule SET next_due = {at}, look_at = now() WHERE schedule_id::text = ANY ($1)"
SCHEDULES = "SELECT * FROM schedule WHERE schedule_id::text = ANY ($1)"
LOOKING = """
SELECT count(DISTINCT a.application_name) >= $1 FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE NOT l.granted AND l.relation = 'schedule'::regclass AND a.application_name LIKE 'journal %'
"""
SLOTS = """
SELECT o.schedule_id, o.due_at, o.state, o.run_ids, r.run_id, r.org, r.created_at, r.end_time, o.decided_at
FROM occurrence o LEFT JOIN run r ON r.run_id = o.run_id WHERE o.schedule_id::text = ANY ($1) ORDER BY o.due_at
"""
OF_SCHEDULES = "SELECT run_id::text FROM run WHERE trigger_by = ANY ($1)"


@pytest.mark.fault("F38")
@pytest.mark.promise("P2")
async def test_three_schedulers_that_look_in_the_same_moment_fire_every_organisations_schedules_once(
    arena: Arena,
) -> None:
    async with arena.replica(ROLE="scheduler"), arena.replica(ROLE="scheduler"):
        spread = {name: SPREAD_SECONDS * ("spread" in name) for name in CROWD}
        wanted = [(arena.org(n), name) for n in range(len(ORGS)) for name in CROWD]
        kept = [await put(org, name, parameters={"note": name}, jitter_seconds=spread[name]) for org, name in wanted]
        at = time.monotonic()
        await due_while_all_look(arena, kept)
        slots = await until(lambda: fired(arena, kept, len(kept)), 60)
        runs = [str(slot["run_id"]) for slot in slots]
        assert {await arena.ended(run_id) for run_id in runs} == {"COMPLETED"}
        beside = await arena.accepted(arena.org(0), NOTHING, "beside the crowd", note="beside the crowd")
        what = f"{len(kept)} schedules due at once, {SCHEDULERS} schedulers"
        toll = await arena.charge(what, len(kept), at, [beside])
    assert toll.harmless, toll
    assert len({slot["due_at"] for slot in slots}) == 1
    assert len(set(runs)) == len({slot["schedule_id"] for slot in slots}) == len(kept)
    assert await slots_of(arena, kept) == slots
    assert Counter(slot["org"] for slot in slots) == dict.fromkeys(ORGS, len(CROWD))
    assert sorted(await runs_of(arena, CROWD)) == sorted(runs)
    waits = {row["schedule_id"]: jitter(schedule_of(row)) for row in await rows(arena, SCHEDULES, kept)}
    assert len(set(waits.values())) > 2
    assert all(slot["created_at"] >= slot["due_at"] + waits[slot["schedule_id"]] for slot in slots)
    await forget(arena, kept)


@pytest.mark.fault("F39")
@pytest.mark.promise("P2")
async def test_what_was_due_while_there_was_no_scheduler_is_caught_up_as_each_schedule_says_and_only_once(
    arena: Arena,
) -> None:
    last = (datetime.now(UTC) - timedelta(hours=HOURS)).replace(second=0, microsecond=0)
    daily = f"{last.minute} {last.hour} * * *"
    async with arena.answering_only(), arena.replica(ROLE="worker"):
        kept = {
            policy: await put(arena.org(n), f"slots_{policy}", schedule_cron=daily, catch_up=policy)
            for n, policy in enumerate(CAUGHT_UP)
        }
        await arena.running.journal.execute(DUE.format(at="$2"), [*kept.values()], last - timedelta(days=2))
        beside = await arena.accepted(arena.org(3), NOTHING, "no scheduler", note="no scheduler")
        assert await arena.ended(beside) == "COMPLETED"
        assert await slots_of(arena, [*kept.values()]) == []
        at = time.monotonic()
        async with arena.replica(ROLE="scheduler"):
            for policy, states in CAUGHT_UP.items():
                slots = await until(partial(settled, arena, kept[policy], 3), 60)
                assert [slot["state"] for slot in slots] == states
            toll = await arena.charge("no scheduler for three slots, then one", 3 * len(kept), at, [beside])
    assert toll.harmless, toll
    slots = await slots_of(arena, [kept["all"]])
    assert all(one["end_time"] <= other["created_at"] for one, other in pairwise(slots))
    before = await slots_of(arena, [*kept.values()])
    for n in range(len(kept)):
        assert (await arena.org(n).ask("POST", "/api/v1/scheduler/trigger", "{}")).status == 200
    assert await slots_of(arena, [*kept.values()]) == before
    assert len(await runs_of(arena, [f"slots_{policy}" for policy in kept])) == 4
    await forget(arena, [*kept.values()])


@pytest.mark.short
@pytest.mark.fault("F71")
@pytest.mark.promise("P2", "P8")
async def test_a_trigger_that_is_delivered_five_times_at_once_to_two_replicas_is_one_run_for_its_slot(
    arena: Arena,
) -> None:
    org, at = arena.org(4), time.monotonic()
    async with arena.replica(ROLE="api") as other:
        kept = await put(org, "delivered", parameters={"note": "delivered"})
        slot = await arena.running.journal.fetchval(DUE.format(at="now()") + " RETURNING next_due", [kept])
        here = [over_rest(org, slot) for _ in range(3)]
        there = [over_grpc(arena, other.environment["GRPC_PORT"], org, slot) for _ in range(2)]
        told = await asyncio.gather(*here, *there)
        [run_id] = await runs_of(arena, ["delivered"])
        assert [run_id in runs for runs in told] == [True] * 5
        assert await arena.ended(run_id) == "COMPLETED"
        beside = await arena.accepted(org, NOTHING, "after the trigger", note="after the trigger")
        toll = await arena.charge("a trigger delivered five times at once", 5, at, [beside])
    assert toll.harmless, toll
    [occurrence] = await slots_of(arena, [kept])
    assert (occurrence["state"], occurrence["due_at"], [str(run) for run in occurrence["run_ids"]]) == (
        "FIRED",
        slot,
        [run_id],
    )
    assert await over_rest(org, slot) >= {run_id}
    assert await runs_of(arena, ["delivered"]) == [run_id]
    await forget(arena, [kept])


async def put(org: OrgClient, name: str, **changes: Any) -> str:
    """Put a schedule of a run that does nothing; return its id."""
    provider, domain, pipeline = NOTHING.split("/")
    body = {"provider": provider, "domain": domain, "pipeline": pipeline, "name": name, "schedule_cron": NEVER}
    reply = await org.ask("POST", f"/api/v1/scheduler/org/{org.slug}/pipelines", json.dumps(body | changes))
    assert reply.status == 200, reply.json
    return str(reply.json["config_id"])


async def due_while_all_look(arena: Arena, kept: Sequence[str]) -> None:
    """Make schedules due behind a lock, and let go once every scheduler waits for it."""
    async with arena.running.journal.acquire() as stranger, stranger.transaction():
        await stranger.execute("LOCK TABLE schedule IN ACCESS EXCLUSIVE MODE")
        await stranger.execute(DUE.format(at="date_trunc('second', now())"), kept)
        await until(lambda: arena.running.journal.fetchval(LOOKING, SCHEDULERS), 30)


async def over_rest(org: OrgClient, slot: datetime) -> set[str]:
    """Trigger a slot; return the runs that the answer names."""
    reply = await org.ask("POST", "/api/v1/scheduler/trigger", json.dumps({"due_at": slot.isoformat()}))
    assert reply.status == 200, reply.json
    return set(reply.json["run_ids"])


async def over_grpc(arena: Arena, port: str, org: OrgClient, slot: datetime) -> set[str]:
    """Trigger a slot at another replica."""
    asked = scheduler_pb2.TriggerScheduledRequest()
    asked.due_at.FromDatetime(slot)
    async with arena.running.answers.channel(f"127.0.0.1:{port}") as channel:
        stub = scheduler_pb2_grpc.SchedulerServiceStub(channel)
        answer = await stub.TriggerScheduled(asked, metadata=(("x-api-key", org.key),))
    return set(answer.run_ids)


async def rows(arena: Arena, sql: str, kept: Sequence[str]) -> list[Any]:
    return list(await arena.running.journal.fetch(sql, kept))


async def slots_of(arena: Arena, kept: Sequence[str]) -> list[Any]:
    """Return the occurrences of schedules with their runs, in the order in which they were due."""
    return await rows(arena, SLOTS, kept)


async def fired(arena: Arena, kept: Sequence[str], count: int) -> list[Any]:
    """Return the occurrences once so many have their run, which is over."""
    found = await slots_of(arena, kept)
    return found if sum(slot["end_time"] is not None for slot in found) >= count else []


async def settled(arena: Arena, one: str, count: int) -> list[Any]:
    """Return the occurrences of a schedule once so many are decided and their runs are over."""
    found = await slots_of(arena, [one])
    over = [slot for slot in found if slot["decided_at"] and (slot["run_id"] is None or slot["end_time"])]
    return found if len(over) >= count else []


async def runs_of(arena: Arena, names: Sequence[str]) -> list[str]:
    """Return every run that was started by schedules of these names."""
    found = await rows(arena, OF_SCHEDULES, [f"schedule {name}" for name in names])
    return [row["run_id"] for row in found]


async def forget(arena: Arena, kept: Sequence[str]) -> None:
    """Delete schedules, as their organisations do."""
    for row in await rows(arena, SCHEDULES, kept):
        org = arena.running.org(row["org"])
        path = f"/api/v1/scheduler/org/{org.slug}/pipelines/{row['schedule_id']}"
        assert (await org.ask("DELETE", path)).status == 200
