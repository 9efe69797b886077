"""Schedules as callers keep them, and the queue as they see it."""

from __future__ import annotations

import asyncio
import uuid
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from attrs import evolve

from tests.conformance.journal.conftest import Desk, new_run
from workers.adapters.journal import PostgresJournal
from workers.model.failure import FailedError, Reason
from workers.model.run import RunStatus
from workers.model.timetable import Occurrence, OccurrenceState, Overdue, Round, Schedule

pytestmark = pytest.mark.engine

Connection = asyncpg.Connection
HOUR = timedelta(hours=1)


async def schedule(journal: PostgresJournal, org: str = "acme", **changes: Any) -> Schedule:
    """Put a schedule that is due in an hour."""
    due = await journal.ping() + HOUR
    new = Schedule(uuid.uuid4(), org, "openai", "cost", "usage_cost", "nightly", "0 2 * * *", next_due=due)
    return await journal.put_schedule(evolve(new, **changes))


async def test_one_schedule_stands_for_a_pipeline_and_name(journal: PostgresJournal) -> None:
    first = await schedule(journal, parameters={"n": 1, "text": "żółw"})
    again = await schedule(journal, parameters={}, priority=3)
    other = await schedule(journal, name="weekly")
    assert (again.schedule_id, again.version, again.priority) == (first.schedule_id, first.version + 1, 3)
    assert (first.parameters, again.parameters) == ({"n": 1, "text": "żółw"}, {})
    assert await journal.list_schedules("acme") == (again, other)
    assert await journal.list_schedules("globex") == ()


async def test_the_same_put_at_once_is_one_schedule(journal: PostgresJournal) -> None:
    put = await asyncio.gather(*(schedule(journal) for _ in range(8)))
    assert len({one.schedule_id for one in put}) == 1


async def test_a_version_that_does_not_stand_changes_nothing(journal: PostgresJournal) -> None:
    kept = await schedule(journal)
    for expected, name in ((kept.version + 1, "nightly"), (1, "absent")):
        with pytest.raises(FailedError) as caught:
            await journal.put_schedule(evolve(kept, name=name, cron="* * * * *"), expected)
        assert caught.value.failure.reason is Reason.SCHEDULE_CHANGED
    assert await journal.list_schedules("acme") == (kept,)
    assert (await journal.put_schedule(evolve(kept, priority=1), kept.version)).priority == 1


async def test_only_a_change_of_its_times_moves_the_next_one(journal: PostgresJournal) -> None:
    kept = await schedule(journal)
    same = await schedule(journal, priority=1, next_due=await journal.ping() + 2 * HOUR)
    moved = await schedule(journal, timezone="Europe/Berlin", next_due=await journal.ping() + 2 * HOUR)
    assert same.next_due == kept.next_due
    assert moved.next_due is not None
    assert moved.next_due > await journal.ping() + HOUR


async def test_what_was_due_before_its_times_were_changed_is_missed_and_says_so(journal: PostgresJournal) -> None:
    due = await journal.ping()
    kept = await schedule(journal, next_due=due)
    await schedule(journal, cron="0 3 * * *")
    (row,) = await journal.occurrences("acme", kept.schedule_id)
    assert (row.due_at, row.state, "changed" in row.why) == (due, "MISSED", True)


async def test_all_that_was_due_before_a_change_is_missed_as_long_as_nobody_else_changed_it(
    journal: PostgresJournal,
) -> None:
    now = await journal.ping()
    kept = await schedule(journal, next_due=now - 3 * HOUR)
    times = (now - 2 * HOUR, now - HOUR, now + HOUR)
    stale = await journal.put_schedule(evolve(kept, priority=2), overdue=Overdue(kept.version, times))
    assert await journal.occurrences("acme", kept.schedule_id) == ()
    await journal.put_schedule(evolve(stale, cron="0 3 * * *", next_due=now + HOUR), None, Overdue(kept.version, times))
    assert [row.due_at for row in await journal.occurrences("acme", kept.schedule_id)] == [now - 3 * HOUR]
    fresh = await schedule(journal, name="other", next_due=now - 3 * HOUR)
    await journal.put_schedule(evolve(fresh, cron="0 3 * * *"), None, Overdue(fresh.version, times))
    rows = await journal.occurrences("acme", fresh.schedule_id)
    assert [(row.due_at, row.state) for row in rows] == [(now - n * HOUR, "MISSED") for n in (1, 2, 3)]


async def test_all_that_was_due_while_paused_is_skipped(journal: PostgresJournal) -> None:
    now = await journal.ping()
    kept = await schedule(journal, next_due=now - 3 * HOUR, active=False)
    overdue = Overdue(kept.version, (now - 2 * HOUR, now - HOUR))
    await journal.set_schedule_active(
        "acme", kept.schedule_id, active=True, note="", next_due=now + HOUR, overdue=overdue
    )
    rows = await journal.occurrences("acme", kept.schedule_id)
    assert [(row.due_at, row.state) for row in rows] == [(now - n * HOUR, "SKIPPED") for n in (1, 2, 3)]


async def test_pausing_and_resuming_fires_nothing_of_the_time_between(journal: PostgresJournal) -> None:
    due = await journal.ping()
    kept = await schedule(journal, next_due=due)
    paused = await journal.set_schedule_active("acme", kept.schedule_id, active=False, note="why", next_due=None)
    assert paused is not None
    assert (paused.active, paused.note, paused.next_due, paused.version) == (False, "why", due, 2)
    resumed = await journal.set_schedule_active("acme", kept.schedule_id, active=True, note="", next_due=due + HOUR)
    assert resumed is not None
    assert (resumed.active, resumed.next_due) == (True, due + HOUR)
    (row,) = await journal.occurrences("acme", kept.schedule_id)
    assert (row.state, row.why) == ("SKIPPED", "the schedule was paused")


async def test_another_organisations_schedule_is_as_none(journal: PostgresJournal) -> None:
    kept = await schedule(journal)
    assert await journal.find_schedule("globex", kept.schedule_id) is None
    assert not await journal.delete_schedule("globex", kept.schedule_id)
    gone = await journal.set_schedule_active("globex", kept.schedule_id, active=False, note="", next_due=None)
    assert gone is None
    assert await journal.occurrences("globex", kept.schedule_id) == ()
    assert await journal.list_schedules("acme") == (kept,)


async def test_a_deleted_schedule_is_gone_but_what_it_did_is_kept(journal: PostgresJournal) -> None:
    due = await journal.ping()
    kept = await schedule(journal, next_due=due)
    (held,) = await journal.hold()
    waiting = Occurrence(due, act_at=due + HOUR)
    await journal.write_round(held, Round((waiting,), due + HOUR))
    assert await journal.delete_schedule("acme", kept.schedule_id)
    assert not await journal.delete_schedule("acme", kept.schedule_id)
    (row,) = await journal.occurrences("acme", kept.schedule_id)
    assert (row.state, row.why) == ("SKIPPED", "the schedule was deleted")
    assert await journal.hold() == ()
    again = await schedule(journal)
    assert again.schedule_id != kept.schedule_id


async def test_a_thousand_schedules_are_enough(journal: PostgresJournal, database: Connection) -> None:
    await schedule(journal)
    await database.execute(
        """INSERT INTO schedule SELECT (jsonb_populate_record(s, jsonb_build_object('schedule_id', gen_random_uuid(),
        'name', n))).* FROM schedule s, generate_series(1, 999) n"""
    )
    with pytest.raises(FailedError) as caught:
        await schedule(journal, name="one_more")
    assert caught.value.failure.reason is Reason.QUOTA_EXCEEDED
    await schedule(journal, "globex")


async def test_decided_occurrences_are_told_since_a_moment_with_what_is_next(journal: PostgresJournal) -> None:
    due = await journal.ping()
    kept = await schedule(journal, next_due=due)
    assert (await journal.outlook("acme")).unseen == 1
    (held,) = await journal.hold("acme")
    rows = (Occurrence(due, OccurrenceState.SKIPPED, why="no"), Occurrence(due + HOUR, act_at=due + HOUR))
    await journal.write_round(held, Round(rows, due + 2 * HOUR))
    (told,) = await journal.decided(None, due, 10)
    assert (told.pipeline_id, told.name, told.occurrence.why) == ("acme-openai-cost-usage_cost", "nightly", "no")
    assert await journal.decided("globex", due, 10) == ()
    outlook = await journal.outlook("acme")
    assert (outlook.next_due, outlook.queued, outlook.unseen) == (due + 2 * HOUR, 1, 0)
    (parcel, *_) = await journal.parcels("occurrence", 10)
    key = (uuid.UUID(parcel.payload["schedule_id"]), datetime.fromisoformat(parcel.payload["due_at"]))
    assert (await journal.occurrences_by_id([key]))[0].occurrence.due_at == due
    assert (await journal.schedules_by_id([kept.schedule_id]))[0].schedule_id == kept.schedule_id


async def test_started_runs_of_occurrences_are_told_once(journal: PostgresJournal) -> None:
    due = await journal.ping()
    await schedule(journal, next_due=due)
    (held,) = await journal.hold()
    await journal.write_round(held, Round((Occurrence(due, act_at=due),), due + HOUR, release=False))
    await journal.fire(held, due, new_run())
    assert await journal.note_starts() == 0
    await journal.claim("w1", 1)
    assert [await journal.note_starts() for _ in range(2)] == [1, 0]


async def publish(journal: PostgresJournal) -> None:
    """Take what is told of schedules out of the outbox."""
    for kind in ("schedule", "occurrence"):
        await journal.published([parcel.parcel_id for parcel in await journal.parcels(kind, 100)])


async def test_old_occurrences_are_forgotten_and_then_their_deleted_schedules(journal: PostgresJournal) -> None:
    due = await journal.ping() - 48 * HOUR
    kept = await schedule(journal, next_due=due)
    await schedule(journal, name="kept")
    (held,) = await journal.hold()
    rows = (Occurrence(due, OccurrenceState.MISSED, why="no"), Occurrence(due + HOUR))
    await journal.write_round(held, Round(rows, due + 100 * HOUR))
    await journal.prune(due + 24 * HOUR)
    assert len(await journal.occurrences("acme", kept.schedule_id)) == 2  # the warehouse has neither
    await publish(journal)
    await journal.prune(due + 24 * HOUR)
    assert [row.due_at for row in await journal.occurrences("acme", kept.schedule_id)] == [due + HOUR]
    await journal.delete_schedule("acme", kept.schedule_id)
    await journal.prune(await journal.ping() + HOUR)
    assert len(await journal.schedules_by_id([kept.schedule_id])) == 1
    await publish(journal)
    await journal.prune(await journal.ping() + HOUR)
    assert await journal.schedules_by_id([kept.schedule_id]) == ()
    assert len(await journal.list_schedules("acme")) == 1


async def test_the_queue_is_seen_by_lane_and_by_page(journal: PostgresJournal, desk: Desk) -> None:
    ids = [*await desk.add("acme", 3, cap=1), *await desk.add("globex", 2)]
    await journal.claim("w1", 1)
    lanes = {lane.org_slug: lane for lane in await journal.lanes(None)}
    assert [lanes["acme"].depth + lanes["acme"].running, lanes["acme"].cap] == [3, 1]
    assert {lane.org_slug for lane in await journal.lanes("globex")} == {"globex"}
    assert await journal.lanes("absent") == ()
    page = await journal.queued(None, limit=2)
    rest = await journal.queued(None, (page[-1].accepted_at, page[-1].run_id), limit=9)
    assert {run.run_id for run in (*page, *rest)} == set(ids)
    assert sum(run.running for run in (*page, *rest)) == 1
    assert {run.org_slug for run in await journal.queued("globex")} == {"globex"}
    now = await journal.ping()
    assert await journal.startable("acme", now) + await journal.startable("globex", now) == 4


async def test_the_scheduler_counts_what_it_sees(journal: PostgresJournal, desk: Desk) -> None:
    due = await journal.ping()
    await schedule(journal, next_due=due)
    await schedule(journal, name="paused", active=False)
    await desk.finish(await desk.lease())
    await desk.finish(await desk.lease(), status=RunStatus.FAILED)
    await desk.lease()
    await desk.add("acme", 2)
    await desk.add("globex", 1)
    mine, all_of_them = await journal.scheduler_counts("acme"), await journal.scheduler_counts(None)
    assert (mine.active, mine.due_now, mine.waiting, mine.running, mine.completed, mine.failed) == (1, 1, 2, 1, 1, 1)
    assert (all_of_them.waiting, mine.next_due, mine.last_fired) == (3, due, None)
    assert 0 <= mine.average_seconds < 60
