from __future__ import annotations

import uuid

import pytest

from tests.conformance.journal.conftest import Desk, new_run
from workers.adapters.journal import PostgresJournal
from workers.model.failure import Code, Reason
from workers.model.lease import (
    Checkpointed,
    Logged,
    PageRead,
    Progressed,
    RunEnded,
    StaleFenceError,
    StepBegan,
    StepEnded,
)
from workers.model.page import Receipt
from workers.model.run import EventType, Progress, RunError, RunStatus, StepRun, StepStatus, TransitionError

pytestmark = pytest.mark.engine

STEP = "extract_usage"


async def test_an_accepted_run_is_found_with_all_that_was_said(journal: PostgresJournal) -> None:
    new = new_run(trigger_by="ada", trace_id="t1", key_id="k1", parameters={"n": 1, "text": "żółw \0"})
    added = await journal.add(new)
    run = await journal.find_run("acme", new.run_id)
    assert run is not None
    assert (added.run_id, added.status, added.existing) == (new.run_id, RunStatus.PENDING, False)
    assert run.parameters == {"n": 1, "text": "żółw \ufffd"}
    assert (run.trigger_by, run.trace_id, run.key_id, run.run_date) == ("ada", "t1", "k1", new.run_date)
    assert run.steps == (StepRun(STEP, "openai.usage"),)


async def test_a_claimed_run_is_running_with_its_attempt_counted(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease()
    found = await journal.find_run("acme", lease.run.run_id)
    assert lease.run == found
    assert (lease.run.status, lease.run.attempt, lease.worker) == (RunStatus.RUNNING, 1, "w1")
    assert lease.run.start_time is not None


async def test_marks_of_a_step_stand_on_the_run(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease()
    await journal.record(lease, StepBegan(STEP, 1), Progressed(STEP, Progress(5, 1, 100)))
    await journal.record(lease, Checkpointed(STEP, {"page": 2}), PageRead(STEP, 1, Receipt("u", 1, 5, 100, "ab")))
    done = StepRun(STEP, "openai.usage", StepStatus.COMPLETED, attempt=1, rows=7, bytes=120, output={"unknown": 1})
    await journal.record(lease, StepEnded(done))
    run = await journal.find_run("acme", lease.run.run_id)
    assert run is not None
    step = run.step(STEP)
    assert (step.status, step.rows, step.bytes, step.attempt) == (StepStatus.COMPLETED, 7, 120, 1)
    assert (step.output, step.checkpoint) == ({"unknown": 1}, {"page": 2})
    assert step.start_time is not None
    assert step.end_time is not None


async def test_an_ended_run_keeps_its_outcome(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease()
    error = RunError(Code.PERMISSION_DENIED, Reason.PROVIDER_AUTH, "refused", STEP)
    await journal.record(lease, RunEnded(RunStatus.FAILED, error))
    run = await journal.find_run("acme", lease.run.run_id)
    assert run is not None
    assert (run.status, run.error, run.attempt) == (RunStatus.FAILED, error, 1)
    assert run.end_time is not None
    assert run.end_time >= lease.run.created_at


async def test_events_are_numbered_from_one_without_gaps(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease()
    await journal.record(lease, StepBegan(STEP, 1), Logged("hello", STEP), Progressed(STEP, Progress(3, 1, 9)))
    await journal.record(lease, StepEnded(StepRun(STEP, "", StepStatus.COMPLETED)), RunEnded(RunStatus.COMPLETED))
    events = await journal.events(lease.run.run_id, 0)
    assert [event.sequence for event in events] == [1, 2, 3, 4, 5, 6, 7]
    assert [event.type for event in events] == [
        EventType.QUEUED,
        EventType.STARTED,
        EventType.STEP_STARTED,
        EventType.LOG,
        EventType.PROGRESS,
        EventType.STEP_FINISHED,
        EventType.TERMINAL,
    ]
    assert events[4].progress == Progress(3, 1, 9)
    assert await journal.events(lease.run.run_id, 5) == events[5:]


@pytest.mark.promise("P3")
async def test_a_stale_fence_writes_nothing(journal: PostgresJournal, desk: Desk) -> None:
    old = await desk.lease()
    await journal.release("w1")
    (new,) = await journal.claim("w2", 1)
    before = await journal.find_run("acme", old.run.run_id)
    with pytest.raises(StaleFenceError):
        await journal.record(old, StepBegan(STEP, 1), RunEnded(RunStatus.COMPLETED))
    assert await journal.find_run("acme", old.run.run_id) == before
    assert new.fence > old.fence
    assert len(await journal.events(old.run.run_id, 0)) == 3


@pytest.mark.promise("P2")
async def test_an_ended_run_never_changes(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease()
    await desk.finish(lease)
    with pytest.raises(StaleFenceError):
        await journal.record(lease, RunEnded(RunStatus.FAILED))


async def test_an_ending_that_the_state_does_not_allow_is_refused(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease()
    with pytest.raises(TransitionError):
        await journal.record(lease, StepBegan(STEP, 1), RunEnded(RunStatus.CANCELLED))
    run = await journal.find_run("acme", lease.run.run_id)
    assert run == lease.run


async def test_nothing_follows_the_end_of_a_run(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease()
    with pytest.raises(ValueError, match="follows"):
        await journal.record(lease, RunEnded(RunStatus.COMPLETED), Logged("more"))


@pytest.mark.promise("P12")
async def test_a_run_of_another_organisation_is_absent(journal: PostgresJournal, desk: Desk) -> None:
    (run_id,) = await desk.add("acme")
    assert await journal.find_run("other", run_id) is None
    assert await journal.find_run("acme", uuid.UUID(int=0)) is None
    assert await journal.situation("other", run_id) is None
    assert await journal.cancel("other", run_id) is None
