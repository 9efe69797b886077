from __future__ import annotations

import asyncio
from uuid import UUID

import asyncpg
import pytest

from tests.conformance.journal.conftest import Desk, OpenJournal
from workers.adapters.journal import PostgresJournal
from workers.model.failure import Reason
from workers.model.lease import Lease
from workers.model.run import EventType, RunStatus, StepStatus

pytestmark = pytest.mark.engine

Connection = asyncpg.Connection


async def pass_time(database: Connection, seconds: float) -> None:
    """Move what has happened into the past."""
    past = f"interval '{seconds} seconds'"
    columns = ("leased_at", "alone_at", "suspect_since")
    await database.execute(f"UPDATE queue SET {', '.join(f'{column} = {column} - {past}' for column in columns)}")
    await database.execute(f"UPDATE solitude SET began_at = began_at - {past}")


async def ten_seconds_of_work(journal: PostgresJournal, desk: Desk, database: Connection, culprit: UUID) -> None:
    """Work for as long as the culprit needs: take what may be taken each second, end all that is not the culprit."""
    held: set[UUID] = set()
    for _ in range(10):
        for lease in await journal.claim("w1", 5):
            held.add(lease.run.run_id)
            if lease.run.run_id != culprit:
                await desk.finish(lease)
                await desk.add("other", 1)
        await pass_time(database, 1)
    if culprit not in held:
        await journal.release("w1")


async def crash_alone(journal: PostgresJournal, times: int) -> Lease:
    for _ in range(times):
        (lease,) = await journal.claim("w1", 5)
        await journal.recover("w1")
    return lease


async def test_what_a_crashed_worker_held_is_taken_back_with_its_attempt(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease()
    await desk.lease("other", worker="w2")
    assert await journal.recover("w1") == 1
    run = await journal.find_run("acme", lease.run.run_id)
    assert run is not None
    assert (run.status, run.attempt) == (RunStatus.PENDING, 1)
    assert await journal.sweep() == ()


async def test_after_a_crash_an_idle_replica_takes_its_runs_one_at_a_time(journal: PostgresJournal, desk: Desk) -> None:
    await desk.add("acme", 3)
    await journal.claim("w1", 3)
    await journal.recover("w1")
    for _ in range(3):
        (alone,) = await journal.claim("w1", 5)
        assert await journal.claim("w1", 5) == ()
        await desk.finish(alone)


async def test_after_a_suspects_two_seconds_alone_others_are_claimed_beside_it(
    journal: PostgresJournal, desk: Desk, database: Connection
) -> None:
    suspect = await desk.lease()
    await journal.recover("w1")
    await desk.add("other", 2)
    (alone,) = await journal.claim("w1", 5)
    assert alone.run.run_id == suspect.run.run_id
    assert await journal.claim("w1", 5) == ()
    await pass_time(database, 2)
    assert [lease.run.org_slug for lease in await journal.claim("w1", 5)] == ["other", "other"]
    await journal.recover("w1")
    assert await database.fetchval("SELECT max(crash_count) FROM queue") == 0


async def test_a_run_that_kills_a_busy_worker_only_after_ten_seconds_is_found_out(
    journal: PostgresJournal, desk: Desk, database: Connection
) -> None:
    culprit, crashes = (await desk.lease()).run.run_id, 1
    await journal.recover("w1")
    while crashes <= 8 and await database.fetchval("SELECT 1 FROM queue WHERE run_id = $1", culprit):
        await desk.add("other", 1)
        await ten_seconds_of_work(journal, desk, database, culprit)
        crashes += await journal.recover("w1") > 0
    run = await journal.find_run("acme", culprit)
    assert run is not None
    assert run.status is RunStatus.QUARANTINED
    assert await database.fetchval("SELECT max(crash_count) FROM queue WHERE run_id <> $1", culprit) in {None, 0}


async def test_a_row_of_short_suspects_shuts_nobody_else_out(
    journal: PostgresJournal, desk: Desk, database: Connection
) -> None:
    await desk.add("acme", 3)
    await journal.claim("w1", 3)
    await journal.recover("w1")
    await desk.add("other", 1)
    (alone,) = await journal.claim("w1", 5)
    await desk.finish(alone)
    (other,) = await journal.claim("w1", 5)
    assert (alone.run.org_slug, other.run.org_slug) == ("acme", "other")
    await desk.finish(other)
    await desk.add("other", 1)
    await pass_time(database, 5)
    assert [lease.run.org_slug for lease in await journal.claim("w1", 5)] == ["acme"]


async def test_a_busy_replica_leaves_suspects_to_idle_ones(journal: PostgresJournal, desk: Desk) -> None:
    await desk.lease("mine", worker="w2")
    suspect = await desk.lease("acme", worker="w1")
    await journal.recover("w1")
    await desk.add("fresh", 1)
    (taken,) = await journal.claim("w2", 5)
    assert taken.run.org_slug == "fresh"
    (alone,) = await journal.claim("w3", 5)
    assert alone.run.run_id == suspect.run.run_id


async def test_suspects_that_have_waited_five_seconds_are_taken_beside_others_one_in_two_seconds(
    journal: PostgresJournal, desk: Desk, database: Connection
) -> None:
    await desk.add("acme", 3)
    await journal.claim("w1", 3)
    await desk.lease("mine", worker="w2")
    await journal.recover("w1")
    assert await journal.claim("w2", 5) == ()
    await pass_time(database, 5)
    for _ in range(3):
        assert len(await journal.claim("w2", 5)) == 1
        assert await journal.claim("w2", 5) == ()
        await pass_time(database, 2)


async def test_whose_turn_alone_is_longest_ago_is_alone_next(journal: PostgresJournal, desk: Desk) -> None:
    ids = await desk.add("acme", 3)
    await journal.claim("w1", 3)
    await journal.recover("w1")
    turns = [(await crash_alone(journal, 1)).run.run_id for _ in range(6)]
    assert turns == ids * 2


@pytest.mark.fault("F27")
async def test_three_crashes_alone_quarantine_a_run(journal: PostgresJournal, desk: Desk) -> None:
    culprit = await desk.lease()
    await journal.recover("w1")
    await crash_alone(journal, 3)
    run = await journal.find_run("acme", culprit.run.run_id)
    assert run is not None
    assert run.error is not None
    assert (run.status, run.error.reason, run.attempt) == (RunStatus.QUARANTINED, Reason.PROCESS_CRASHED, 4)
    assert run.steps[0].status is StepStatus.SKIPPED
    last = (await journal.events(run.run_id, 0))[-1]
    assert (last.type, last.status, last.error) == (EventType.TERMINAL, "QUARANTINED", run.error)


async def test_a_quarantined_run_is_published_and_its_lane_goes_on(journal: PostgresJournal, desk: Desk) -> None:
    culprit = await desk.lease(cap=1)
    await journal.recover("w1")
    await crash_alone(journal, 3)
    (parcel,) = await journal.parcels("run", 5)
    assert parcel.payload == {"run_id": str(culprit.run.run_id)}
    await desk.lease(cap=1)
    assert await journal.sweep() == ()


async def test_two_crashes_alone_do_not_quarantine(journal: PostgresJournal, desk: Desk) -> None:
    await desk.lease()
    await journal.recover("w1")
    lease = await crash_alone(journal, 2)
    run = await journal.find_run("acme", lease.run.run_id)
    assert run is not None
    assert run.status is RunStatus.PENDING


@pytest.mark.fault("F27")
async def test_companions_of_a_crash_are_never_counted_against(
    journal: PostgresJournal, desk: Desk, database: Connection
) -> None:
    await desk.add("acme", 3)
    await journal.claim("w1", 3)
    await journal.recover("w1")
    assert await database.fetchval("SELECT sum(crash_count) FROM queue") == 0


async def test_suspects_keep_to_the_cap(journal: PostgresJournal, desk: Desk) -> None:
    await desk.lease("acme", worker="w1", cap=1)
    await journal.recover("w1")
    await journal.claim("w1", 1)
    await desk.add("acme", 1, cap=1)
    assert await journal.claim("w2", 5) == ()
    await journal.recover("w1")
    assert len(await journal.claim("w2", 5)) == 1


async def test_a_suspect_that_snoozes_is_a_suspect_no_more(
    journal: PostgresJournal, desk: Desk, database: Connection
) -> None:
    await desk.lease()
    await journal.recover("w1")
    (alone,) = await journal.claim("w1", 5)
    await journal.snooze(alone, 1, "later")
    await database.execute("UPDATE queue SET due_at = now()")
    await desk.add("acme", 1)
    assert len(await journal.claim("w1", 5)) == 2


async def test_an_expired_lease_makes_a_suspect(open_journal: OpenJournal, database: Connection) -> None:
    async with open_journal(lease_seconds=0.001) as journal:
        await Desk(journal).lease()
        async with asyncio.timeout(5):
            while not await journal.reap():
                pass
    assert await database.fetchval("SELECT count(*) FROM queue WHERE suspect_since IS NOT NULL") == 1


async def test_a_lease_that_ended_while_postgres_was_down_makes_no_suspect(
    journal: PostgresJournal, desk: Desk, database: Connection
) -> None:
    await desk.add("acme", 2)
    await journal.claim("w1", 2)
    await database.execute("UPDATE queue SET lease_until = pg_postmaster_start_time()")
    assert await journal.reap() == 2
    assert [lease.run.attempt for lease in await journal.claim("w2", 2)] == [1, 1]
