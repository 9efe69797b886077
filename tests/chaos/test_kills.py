"""kill -9 of the real server at chosen moments: what was accepted is done, once, and nothing stays taken."""

from __future__ import annotations

import time

import grpc.aio
import pytest
from datapipeline.v1 import pipelines_pb2, pipelines_pb2_grpc

from tests.chaos.arena import Arena
from tests.fakes.org_client import EXTRACT, NOTHING, USAGE_COST, OrgClient

RESTARTED_WITHIN = 40
# Where a run passes a commit, from its claim to its end. `*N` is the N-th time.
MOMENTS = (
    pytest.param("claim.after", marks=pytest.mark.fault("F4")),
    pytest.param("record.before_commit*2", marks=pytest.mark.fault("F5")),
    pytest.param("record.after_commit*3", marks=pytest.mark.fault("F5")),
    pytest.param("load.submitted", marks=pytest.mark.fault("F6")),
    "load.settled",
    "promote.before",
    pytest.param("promote.after", marks=pytest.mark.fault("F7")),
    pytest.param("finish.before_commit", marks=pytest.mark.fault("F7")),
    "finish.after_commit",
)


@pytest.mark.short
@pytest.mark.fault("F5")
@pytest.mark.promise("P1", "P2")
async def test_a_run_whose_server_is_killed_in_the_middle_is_done_by_the_next(arena: Arena) -> None:
    org, day = arena.org(), arena.next_day()
    await arena.running.faults({"kind": "hang", "endpoint": "images", "times": None})
    run_id = await org.accepted(USAGE_COST, date=day)
    await arena.asked_for("usage/images")
    fence = await arena.fence(run_id)
    at = await arena.kill()
    await arena.running.faults()
    toll = await arena.charge("kill -9 in the middle of an extract", 1, at, [run_id])
    assert toll.harmless, toll
    assert toll.recovered_in < RESTARTED_WITHIN
    await arena.as_the_source(org, day)
    run = await arena.run(org, run_id)
    assert (run["attempt"], await arena.fence(run_id) > fence) == (2, True)
    events = await org.events(run_id)
    assert [event["type"] for event in events].count("STARTED") == 2


@pytest.mark.short
@pytest.mark.promise("P8")
@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("accept.before_commit", marks=pytest.mark.fault("F2")),
        pytest.param("accept.after_commit", marks=pytest.mark.fault("F1")),
    ],
)
async def test_a_caller_whose_server_died_before_it_answered_gets_the_one_run_by_its_key(
    arena: Arena, moment: str
) -> None:
    org, before = arena.org(1), await _runs(arena)
    async with arena.replica(ROLE="api", FAILPOINTS=f"{moment}=kill") as doomed:
        with pytest.raises(grpc.aio.AioRpcError):
            await _ask(arena, doomed.environment["GRPC_PORT"], org, moment)
        at = time.monotonic()
    assert await _runs(arena) - before == (moment == "accept.after_commit")
    receipt = (await org.start(NOTHING, key=moment)).json
    assert receipt["existing"] == (moment == "accept.after_commit")
    toll = await arena.charge(f"kill -9 at {moment}", 1, at, [receipt["run_id"]])
    assert toll.harmless, toll
    assert await _runs(arena) - before == 1


@pytest.mark.promise("P1", "P10")
@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_run_whose_server_is_killed_at_a_commit_is_done_once(arena: Arena, moment: str) -> None:
    org, day = arena.org(2), arena.next_day()
    await arena.rearm(f"{moment.partition('*')[0]}=kill{moment.removeprefix(moment.partition('*')[0])}")
    pid, at = arena.service.pid, time.monotonic()
    run_id = await arena.accepted(org, EXTRACT, moment, date=day)
    toll = await arena.charge(f"kill -9 at {moment}", 1, at, [run_id])
    await arena.reborn(pid)
    assert toll.harmless, toll
    await arena.as_the_source(org, day)


async def test_a_run_that_kills_its_server_is_put_aside_and_its_lane_goes_on(arena: Arena) -> None:
    poison, good = arena.org(3), arena.org(4)
    await arena.running.faults({"kind": "hang", "endpoint": "images", "times": None})
    run_id = await poison.accepted(EXTRACT, date=arena.next_day())
    kills, fence, at = 0, 0, time.monotonic()
    while fence := await arena.taken(run_id, after=fence):
        await arena.kill()
        kills += 1
    await arena.running.faults()
    run = await arena.run(poison, run_id)
    assert (run["status"], run["error"]["reason"], kills) == ("QUARANTINED", "PROCESS_CRASHED", 4)
    after = await arena.accepted(poison, NOTHING, "after the poison")
    quiet = await arena.accepted(good, NOTHING, "beside the poison")
    toll = await arena.charge("a run that kills its server every time", kills, at, [after, quiet])
    assert toll.harmless, toll


async def _ask(arena: Arena, port: str, org: OrgClient, key: str) -> None:
    async with arena.running.answers.channel(f"127.0.0.1:{port}") as channel:
        asked = pipelines_pb2.RunPipelineRequest(org=org.slug, provider="example", domain="smoke", pipeline="nothing")
        metadata = (("x-api-key", org.key), ("idempotency-key", key))
        await pipelines_pb2_grpc.PipelineServiceStub(channel).RunPipeline(asked, metadata=metadata)


async def _runs(arena: Arena) -> int:
    return int(await arena.running.journal.fetchval("SELECT count(*) FROM run WHERE org = 'org_1'"))
