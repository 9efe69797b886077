"""What is due and what waits, over the real journal: what each method answers and refuses."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from datapipeline.v1 import scheduler_pb2 as pb
from google.protobuf.struct_pb2 import Struct

from server.convert.values import struct_of, timestamp_of
from tests.fakes.kept_schedules import make_due, put
from tests.plugins.service import AS_ACME, AS_GLOBEX, AS_ROOT, refusal_of
from tests.unit.server.services.conftest import Desk
from workers.model.lease import RunEnded
from workers.model.run import RunStatus

pytestmark = pytest.mark.engine
NIL = "00000000-0000-0000-0000-000000000000"


@pytest.mark.item("J136")
async def test_a_trigger_that_comes_five_times_makes_one_run_and_answers_alike(desk: Desk) -> None:
    kept = await put(desk)
    await make_due(desk, kept.config_id)
    trigger = desk.served.scheduler.TriggerScheduled
    answers = await asyncio.gather(
        *(trigger(pb.TriggerScheduledRequest(body=Struct()), metadata=AS_ACME) for _ in range(5))
    )
    assert {(one.triggered, one.skipped, one.run_ids[0]) for one in answers} == {(1, 0, answers[0].run_ids[0])}
    assert len(await desk.journal.list_runs("acme")) == 1
    asked = pb.ListOccurrencesRequest(org="acme", config_id=kept.config_id)
    past = (await desk.served.scheduler.ListOccurrences(asked, metadata=AS_ACME)).past
    fired = next(one for one in past if one.state == "FIRED")
    assert (fired.run_id, fired.run_status) == (answers[0].run_ids[0], "PENDING")


async def test_a_trigger_touches_the_callers_organisation_unless_it_is_root(desk: Desk) -> None:
    kept = await put(desk)
    await make_due(desk, kept.config_id)
    trigger = desk.served.scheduler.TriggerScheduled
    assert (await trigger(pb.TriggerScheduledRequest(), metadata=AS_GLOBEX)).triggered == 0
    assert await desk.journal.list_runs("acme") == ()
    assert (await trigger(pb.TriggerScheduledRequest(), metadata=AS_ROOT)).triggered == 1


async def test_a_trigger_tells_what_was_skipped_and_why(desk: Desk) -> None:
    kept = await put(desk)
    await make_due(desk, kept.config_id)
    desk.book.orgs["acme"] = attrs.evolve(desk.book.orgs["acme"], status="SUSPENDED")
    answer = await desk.served.scheduler.TriggerScheduled(pb.TriggerScheduledRequest(), metadata=AS_ACME)
    skip = answer.skips[-1]
    assert (answer.triggered, skip.state, skip.config_id) == (0, "SKIPPED", kept.config_id)
    assert skip.why.startswith("SUBSCRIPTION_INACTIVE: ")


@pytest.mark.item("J135")
async def test_a_trigger_for_another_age_is_refused(desk: Desk) -> None:
    for days in (-3650, 3650, -8, 1):
        asked = pb.TriggerScheduledRequest(due_at=timestamp_of(datetime.now(UTC) + timedelta(days=days)))
        refusal = await refusal_of(desk.served.scheduler.TriggerScheduled(asked, metadata=AS_ROOT))
        assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "REQUEST_INVALID")


async def test_the_queue_is_paged_and_a_token_stays_with_its_caller(desk: Desk) -> None:
    runs = [(await desk.run(parameters=struct_of({"date": f"2025-01-0{day}"}))).run_id for day in (1, 2, 3)]
    queue = desk.served.scheduler.GetQueue
    page = await queue(pb.GetQueueRequest(page_size=2), metadata=AS_ACME)
    rest = await queue(pb.GetQueueRequest(page_token=page.next_page_token), metadata=AS_ACME)
    assert [item.run_id for item in (*page.items, *rest.items)] == runs
    assert ({item.state for item in page.items}, rest.next_page_token) == ({"QUEUED"}, "")
    refusal = await refusal_of(queue(pb.GetQueueRequest(page_token=page.next_page_token), metadata=AS_ROOT))
    assert refusal.reason == "PAGE_TOKEN_INVALID"
    assert len((await queue(pb.GetQueueRequest(), metadata=AS_ROOT)).items) == 3
    assert len((await queue(pb.GetQueueRequest(), metadata=AS_GLOBEX)).items) == 0


async def test_the_status_counts_the_callers_runs(desk: Desk) -> None:
    await put(desk)
    await desk.run()
    (lease,) = await desk.journal.claim("w1", 1)
    await desk.journal.record(lease, RunEnded(RunStatus.COMPLETED))
    await desk.run(parameters=struct_of({"date": "2025-01-02"}))
    status = desk.served.scheduler.GetSchedulerStatus
    mine = await status(pb.GetSchedulerStatusRequest(), metadata=AS_ACME)
    assert (mine.total_active_pipelines, mine.pipelines_due_now, mine.pipelines_queued, mine.queue_length) == (
        1,
        0,
        1,
        1,
    )
    assert (mine.pipelines_completed_today, mine.pipelines_failed_today, mine.pipelines_running) == (1, 0, 0)
    foreign = await status(pb.GetSchedulerStatusRequest(), metadata=AS_GLOBEX)
    assert (foreign.total_active_pipelines, foreign.pipelines_completed_today, foreign.queue_length) == (0, 0, 0)
    assert (await status(pb.GetSchedulerStatusRequest(), metadata=AS_ROOT)).queue_length == 1


async def test_processing_the_queue_waits_until_something_has_started(desk: Desk) -> None:
    process = desk.served.scheduler.ProcessQueue
    assert (await process(pb.ProcessQueueRequest(), metadata=AS_ACME)).waiting_runs == 0
    await desk.run()
    woken = asyncio.Event()
    desk.journal.on_wake(woken.set)
    asked = asyncio.ensure_future(process(pb.ProcessQueueRequest(), metadata=AS_ACME))
    await woken.wait()
    await desk.journal.claim("w1", 1)
    answer = await asked
    assert (answer.waiting_runs, answer.started_runs) == (1, 1)


async def test_a_suspended_organisation_processes_nothing(desk: Desk) -> None:
    desk.book.orgs["acme"] = attrs.evolve(desk.book.orgs["acme"], status="SUSPENDED")
    refusal = await refusal_of(desk.served.scheduler.ProcessQueue(pb.ProcessQueueRequest(), metadata=AS_ACME))
    assert (refusal.code, refusal.reason) == ("PERMISSION_DENIED", "SUBSCRIPTION_INACTIVE")
