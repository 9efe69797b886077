from __future__ import annotations

import asyncio

import pytest

from tests.conformance.journal.conftest import Desk
from workers.adapters.journal import PostgresJournal
from workers.model.lease import RunEnded
from workers.model.run import EventType, RunStatus, StepStatus

pytestmark = pytest.mark.engine


async def test_a_waiting_run_is_cancelled_at_once(journal: PostgresJournal, desk: Desk) -> None:
    (run_id,) = await desk.add()
    run = await journal.cancel("acme", run_id)
    assert run is not None
    assert (run.status, run.steps[0].status) == (RunStatus.CANCELLED, StepStatus.CANCELLED)
    assert [event.type for event in await journal.events(run_id, 0)] == [EventType.QUEUED, EventType.TERMINAL]
    assert await journal.claim("w1", 1) == ()
    assert await journal.sweep() == ()


async def test_a_snoozed_run_is_cancelled_at_once(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease()
    await journal.snooze(lease, 60, "later")
    run = await journal.cancel("acme", lease.run.run_id)
    assert run is not None
    assert run.status is RunStatus.CANCELLED


async def test_a_running_run_is_asked_to_stop_and_its_holder_hears_of_it(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease()
    run = await journal.cancel("acme", lease.run.run_id)
    assert run is not None
    assert run.status is RunStatus.CANCELLING
    (beat,) = await journal.heartbeat("w1", {lease.run.run_id: lease.fence})
    assert beat.cancelling
    await journal.record(lease, RunEnded(RunStatus.CANCELLED))
    ended = await journal.find_run("acme", lease.run.run_id)
    assert ended is not None
    assert ended.status is RunStatus.CANCELLED


async def test_cancelling_twice_is_cancelling_once(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease()
    assert await journal.cancel("acme", lease.run.run_id) == await journal.cancel("acme", lease.run.run_id)


async def test_an_ended_run_is_returned_as_it_is(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease()
    await desk.finish(lease)
    run = await journal.cancel("acme", lease.run.run_id)
    assert run is not None
    assert run.status is RunStatus.COMPLETED


async def test_a_cancelled_run_whose_worker_dies_is_ended_by_the_next(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease()
    await journal.cancel("acme", lease.run.run_id)
    await journal.recover("w1")
    (next_one,) = await journal.claim("w2", 1)
    assert next_one.run.status is RunStatus.CANCELLING
    await desk.finish(next_one, status=RunStatus.CANCELLED)
    assert (await journal.depth()).running == 0


async def test_a_cancelled_run_is_not_set_aside(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease()
    await journal.cancel("acme", lease.run.run_id)
    await journal.snooze(lease, 3600, "later")
    (again,) = await journal.claim("w1", 1)
    assert again.run.status is RunStatus.CANCELLING


@pytest.mark.promise("P2")
async def test_a_cancel_and_a_claim_at_once_leave_one_outcome(journal: PostgresJournal, desk: Desk) -> None:
    ids = await desk.add("acme", 20, cap=20)
    claiming = asyncio.get_running_loop().create_task(journal.claim("w1", 20))
    runs = await asyncio.gather(*(journal.cancel("acme", run) for run in ids))
    leases = await claiming
    claimed = {lease.run.run_id for lease in leases}
    for run in runs:
        assert run is not None
        assert run.status is (RunStatus.CANCELLING if run.run_id in claimed else RunStatus.CANCELLED)
    assert await journal.sweep() == ()
