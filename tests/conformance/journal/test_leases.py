from __future__ import annotations

import asyncio

import asyncpg
import pytest

from tests.conformance.journal.conftest import Desk, OpenJournal
from workers.adapters.journal import PostgresJournal
from workers.model.failure import FailedError
from workers.model.lease import Beat, Logged, RunEnded, StaleFenceError, StepBegan
from workers.model.pause import Pause
from workers.model.run import EventType, RunStatus
from workers.model.situation import Live, Paused

pytestmark = pytest.mark.engine

Connection = asyncpg.Connection
EXPIRE = "UPDATE queue SET lease_until = now() - interval '1 second' WHERE state = 'leased'"


async def test_a_heartbeat_renews_a_lease(journal: PostgresJournal, desk: Desk, database: Connection) -> None:
    lease = await desk.lease()
    await database.execute(EXPIRE)
    beats = await journal.heartbeat("w1", {lease.run.run_id: lease.fence})
    assert beats == (Beat(lease.run.run_id, cancelling=False),)
    assert await journal.reap() == 0


async def test_a_heartbeat_with_an_old_fence_or_name_is_lost(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease()
    assert await journal.heartbeat("w1", {lease.run.run_id: lease.fence - 1}) == ()
    assert await journal.heartbeat("w2", {lease.run.run_id: lease.fence}) == ()
    assert await journal.heartbeat("w1", {}) == ()


async def test_a_lease_ends_by_the_clock_of_the_database(open_journal: OpenJournal) -> None:
    async with open_journal(lease_seconds=0.05) as journal:
        lease = await Desk(journal).lease()
        async with asyncio.timeout(5):
            while not await journal.reap():
                pass
        assert await journal.heartbeat("w1", {lease.run.run_id: lease.fence}) == ()
        (again,) = await journal.claim("w2", 1)
        assert (again.run.run_id, again.run.attempt) == (lease.run.run_id, 2)


@pytest.mark.promise("P13")
async def test_an_expired_lease_is_reaped_once(journal: PostgresJournal, desk: Desk, database: Connection) -> None:
    await desk.add("acme", 2)
    await journal.claim("w1", 2)
    await database.execute(EXPIRE)
    assert sum(await asyncio.gather(journal.reap(), journal.reap())) == 2
    assert await journal.sweep() == ()


@pytest.mark.fault("F10")
@pytest.mark.promise("P3")
async def test_a_zombie_writes_nothing(journal: PostgresJournal, desk: Desk, database: Connection) -> None:
    zombie = await desk.lease()
    await database.execute(EXPIRE)
    await journal.reap()
    with pytest.raises(StaleFenceError):
        await journal.record(zombie, RunEnded(RunStatus.COMPLETED))
    with pytest.raises(StaleFenceError):
        await journal.snooze(zombie, 1, "late")
    run = await journal.find_run("acme", zombie.run.run_id)
    assert run is not None
    assert run.status is RunStatus.PENDING


@pytest.mark.promise("P3")
async def test_fences_strictly_increase(journal: PostgresJournal, desk: Desk) -> None:
    fences = [(await desk.lease()).fence]
    for turn in range(5):
        await journal.release(f"w{turn}" if turn else "w1")
        (lease,) = await journal.claim(f"w{turn + 1}", 1)
        fences.append(lease.fence)
    assert fences == sorted(set(fences))


async def test_a_released_run_waits_with_its_attempt_restored(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease()
    other = await desk.lease("other", worker="w2")
    assert await journal.release("w1") == 1
    run = await journal.find_run("acme", lease.run.run_id)
    assert run is not None
    assert (run.status, run.attempt) == (RunStatus.PENDING, 0)
    await journal.record(other, Logged("still mine"))


async def test_a_released_run_is_not_suspect(journal: PostgresJournal, desk: Desk) -> None:
    await desk.add("acme", 2)
    await journal.claim("w1", 2)
    await journal.release("w1")
    assert len(await journal.claim("w2", 2)) == 2


async def test_nothing_held_is_nothing_released(journal: PostgresJournal) -> None:
    assert await journal.release("w1") == 0
    assert await journal.recover("w1") == 0


@pytest.mark.promise("P6", "P13")
async def test_a_snoozed_run_frees_its_slot(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease(cap=1)
    await desk.add("acme", 1, cap=1)
    assert await journal.claim("w1", 1) == ()
    await journal.snooze(lease, 60, "the provider asks to wait")
    (next_one,) = await journal.claim("w1", 5)
    assert next_one.run.run_id != lease.run.run_id
    assert await journal.sweep() == ()


async def test_a_snoozed_run_says_why_and_how_long(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease()
    await journal.snooze(lease, 60, "the provider asks to wait")
    found = await journal.situation("acme", lease.run.run_id)
    assert found is not None
    assert isinstance(found.state, Live)
    place = found.state.place
    assert isinstance(place, Paused)
    assert (place.why, place.pause, place.failure) == ("the provider asks to wait", Pause.ASKED, None)
    assert 50 < (place.until - found.at).total_seconds() <= 60
    assert found.state.lane.running == 0
    event = (await journal.events(lease.run.run_id, 2))[0]
    assert (event.type, event.message) == (EventType.LOG, "the provider asks to wait")
    assert (await journal.depth()).delayed == 1


async def test_a_snoozed_run_comes_back_when_due(journal: PostgresJournal, desk: Desk, database: Connection) -> None:
    lease = await desk.lease()
    await journal.snooze(lease, 60, "later")
    assert await journal.claim("w1", 5) == ()
    await database.execute("UPDATE queue SET due_at = now()")
    (again,) = await journal.claim("w1", 5)
    assert (again.run.run_id, again.run.attempt) == (lease.run.run_id, 1)
    assert again.run.start_time == lease.run.start_time


async def test_reaping_wakes_what_is_due(journal: PostgresJournal, desk: Desk, database: Connection) -> None:
    await journal.snooze(await desk.lease(), 60, "later")
    await database.execute("UPDATE queue SET due_at = now()")
    assert await journal.reap() == 0
    assert (await journal.depth()).waiting == 1


async def test_marks_of_many_runs_share_commits_and_keep_their_order(journal: PostgresJournal, desk: Desk) -> None:
    await desk.add("acme", 20, cap=20)
    leases = await journal.claim("w1", 20)
    calls = [journal.record(lease, Logged(f"line {n}")) for n in range(10) for lease in leases]
    await asyncio.gather(*calls)
    for lease in leases:
        events = await journal.events(lease.run.run_id, 2)
        assert [event.sequence for event in events] == list(range(3, 13))
        assert [event.message for event in events] == [f"line {n}" for n in range(10)]


async def test_one_stale_lease_costs_its_companions_nothing(journal: PostgresJournal, desk: Desk) -> None:
    stale = await desk.lease()
    await journal.release("w1")
    await desk.add("acme", 1)
    first, second = await journal.claim("w2", 2)
    answers = await asyncio.gather(
        *(journal.record(lease, StepBegan("extract_usage", 1)) for lease in (first, stale, second)),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [type(None), StaleFenceError, type(None)]


async def test_a_step_may_begin_again(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease()
    await journal.record(lease, StepBegan("extract_usage", 1))
    await journal.record(lease, StepBegan("extract_usage", 2))
    run = await journal.find_run("acme", lease.run.run_id)
    assert run is not None
    assert run.steps[0].attempt == 2


async def test_a_declaration_is_kept_as_it_was_first(journal: PostgresJournal) -> None:
    await journal.declare("h", "steps: []")
    await journal.declare("h", "steps: []")
    assert await journal.declaration("h") == "steps: []"
    assert await journal.declaration("other") is None


@pytest.mark.fault("F75")
async def test_the_last_fence_there_is_counts_like_any_and_after_it_no_lease_is_given(
    open_journal: OpenJournal, own_journal_url: str
) -> None:
    """A fence that began anew would let an old holder write."""
    last = 2**63 - 1
    stranger = await asyncpg.connect(own_journal_url)
    await stranger.execute(f"ALTER SEQUENCE fence_seq RESTART WITH {last}")
    async with open_journal(own_journal_url) as journal:
        desk = Desk(journal)
        lease = await desk.lease()
        assert lease.fence == last
        assert await journal.heartbeat("w1", {lease.run.run_id: last}) == (Beat(lease.run.run_id, cancelling=False),)
        await desk.finish(lease)
        (waiting,) = await desk.add()
        with pytest.raises(FailedError):
            await journal.claim("w1", 1)
        left = await stranger.fetchrow("SELECT run_id, state, fence, attempt FROM queue")
    await stranger.close()
    assert left is not None
    assert tuple(left) == (waiting, "waiting", None, 0)
