"""Schedules on the real journal: every occurrence is a row, and becomes a run once, whoever looks and what breaks."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from attrs import evolve

from tests.fakes.until import until
from tests.fakes.wall import Wall
from tests.fakes.workshop import ONE_STEP, Workshop, open_workshop
from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.lease import StaleFenceError
from workers.model.occurrences import MOST_RETRIES
from workers.model.run import RunStatus, TriggerType
from workers.model.timetable import CatchUp, Overlap, Round
from workers.ports import StepContext, StepResult
from workers.runtime import firing

pytestmark = pytest.mark.engine

MINUTE = timedelta(minutes=1)


class DiedError(BaseException):
    """Ends a scheduler wherever it is."""


async def away(_ctx: StepContext) -> StepResult:
    raise FailedError(Failure(Code.UNAVAILABLE, Reason.PROVIDER_UNAVAILABLE, "is down", retryable=False))


async def wrong(_ctx: StepContext) -> StepResult:
    raise FailedError(Failure(Code.PERMISSION_DENIED, Reason.PROVIDER_AUTH, "answered 401"))


async def test_what_is_due_becomes_a_run_of_its_day_and_the_next_time_is_ahead(wall: Wall) -> None:
    schedule = await wall.put(name="nightly", priority=7, parameters={"date": "today-3"})
    await wall.look()
    (row,) = await wall.rows(schedule)
    run = await wall.shop.run(row.run_ids[0])
    assert (row.state, row.due_at, row.late) == ("FIRED", schedule.next_due, False)
    assert (run.trigger_type, run.trigger_by) == (TriggerType.SCHEDULER, "schedule nightly")
    assert run.run_date == row.due_at.astimezone(UTC).date() - timedelta(days=3)
    after = await wall.shop.journal.find_schedule("acme", schedule.schedule_id)
    assert after is not None
    tomorrow = row.due_at.date() + timedelta(days=1)
    assert (after.next_due, after.last_run_status) == (datetime.combine(tomorrow, time(), UTC), "RUNNING")
    assert await wall.database.fetchval("SELECT priority FROM queue") == 7


@pytest.mark.parametrize("failpoint", ["fire.before_commit", "fire.after_commit"])
async def test_a_scheduler_that_dies_leaves_no_occurrence_without_or_with_two_runs(
    wall: Wall, journal_url: str, tmp_path: Path, failpoint: str
) -> None:
    schedule = await wall.put()

    def die(name: str) -> None:
        if name == failpoint:
            raise DiedError

    async with open_workshop(journal_url, tmp_path / "dying", failpoint=die) as dying:
        dying.book.orgs.update(wall.shop.book.orgs)
        await dying.declare(ONE_STEP)
        with pytest.raises(DiedError):
            await dying.scheduler().attend()
    await wall.look()
    decided = "FIRED" if failpoint == "fire.after_commit" else "DUE"
    assert await wall.states(schedule) == [decided]
    await wall.later(31)
    await wall.look()
    assert await wall.states(schedule) == ["FIRED"]
    assert await wall.database.fetchval("SELECT count(*) FROM run") == 1


async def test_what_another_decides_just_before_a_hold_is_seen_as_decided(wall: Wall, shop: Workshop) -> None:
    await wall.put()
    await wall.look()
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'schedule'::regclass"
    async with wall.database.transaction():
        await wall.database.execute("LOCK TABLE schedule IN ACCESS EXCLUSIVE MODE")
        await wall.database.execute("UPDATE occurrence SET live = false; UPDATE schedule SET look_at = now()")
        holding = asyncio.create_task(shop.journal.hold())
        await until(lambda: wall.database.fetchval(waits))
    (held,) = await holding
    assert held.pending == ()


async def test_what_waited_for_a_run_is_started_when_a_scheduler_died_of_it(
    wall: Wall, journal_url: str, tmp_path: Path
) -> None:
    schedule = await wall.put(overlap=Overlap.QUEUE)
    await wall.look()
    await wall.database.execute("UPDATE occurrence SET due_at = due_at - interval '1 minute'")
    await wall.database.execute("UPDATE schedule SET next_due = now(), look_at = now()")
    await wall.look()
    await wall.over()

    def die(name: str) -> None:
        if name == "fire.before_commit":
            raise DiedError

    async with open_workshop(journal_url, tmp_path / "dying", failpoint=die) as dying:
        dying.book.orgs.update(wall.shop.book.orgs)
        await dying.declare(ONE_STEP)
        with pytest.raises(DiedError):
            await dying.scheduler().attend()
    assert await wall.states(schedule) == ["FIRED", "DUE"]
    await wall.later(31)
    await wall.look()
    assert await wall.states(schedule) == ["FIRED", "FIRED"]


@pytest.mark.fault("F39")
@pytest.mark.parametrize(
    ("catch_up", "states"),
    [
        (CatchUp.NONE, ["MISSED", "MISSED", "MISSED", "MISSED"]),
        (CatchUp.LATEST, ["MISSED", "MISSED", "MISSED", "FIRED"]),
        (CatchUp.ALL, ["FIRED", "DUE", "DUE", "DUE"]),
    ],
)
async def test_what_was_due_while_no_scheduler_ran_is_caught_up_as_the_schedule_says(
    wall: Wall, catch_up: CatchUp, states: list[str]
) -> None:
    schedule = await wall.put(days_ago=3, catch_up=catch_up)
    await wall.look()
    assert await wall.states(schedule) == states
    for _ in states:
        await wall.over()
        await wall.look()
    rows = await wall.rows(schedule)
    assert sum(row.state == "FIRED" for row in rows) == {"none": 0, "latest": 1, "all": 4}[catch_up]
    assert all(row.why for row in rows if row.state == "MISSED")
    assert len({run for row in rows for run in row.run_ids}) == sum(row.state == "FIRED" for row in rows)


@pytest.mark.fault("F39")
async def test_what_is_on_time_fires_although_nothing_is_caught_up(wall: Wall) -> None:
    schedule = await wall.put(catch_up=CatchUp.NONE)
    await wall.look()
    assert await wall.states(schedule) == ["FIRED"]


@pytest.mark.fault("F39")
async def test_years_of_missed_times_are_written_in_parts_and_only_the_last_fires(wall: Wall) -> None:
    await wall.put(days_ago=1200)
    await wall.look()
    counted = await wall.database.fetch("SELECT state, count(*) AS n FROM occurrence GROUP BY state ORDER BY state")
    assert [(row["state"], row["n"]) for row in counted] == [("FIRED", 1), ("MISSED", 1200)]


@pytest.mark.parametrize(
    ("overlap", "states"),
    [(Overlap.SKIP, ["FIRED", "SKIPPED"]), (Overlap.QUEUE, ["FIRED", "DUE"]), (Overlap.CANCEL_PREVIOUS, ["FIRED"] * 2)],
)
async def test_what_is_due_while_an_earlier_run_is_live_goes_as_the_schedule_says(
    wall: Wall, overlap: Overlap, states: list[str]
) -> None:
    schedule = await wall.put(overlap=overlap)
    await wall.look()
    await wall.database.execute("UPDATE occurrence SET due_at = due_at - interval '1 minute'")
    await wall.database.execute("UPDATE schedule SET next_due = now(), look_at = now()")
    await wall.look()
    first, second = await wall.rows(schedule)
    assert [first.state, second.state] == states
    assert (await wall.shop.run(first.run_ids[0])).status == (
        RunStatus.CANCELLED if overlap is Overlap.CANCEL_PREVIOUS else RunStatus.PENDING
    )
    await wall.over()
    await wall.look()
    assert (await wall.states(schedule))[1] == ("SKIPPED" if overlap is Overlap.SKIP else "FIRED")


async def test_what_may_not_run_stops_no_earlier_run(wall: Wall) -> None:
    schedule = await wall.put(overlap=Overlap.CANCEL_PREVIOUS)
    await wall.look()
    await wall.database.execute("UPDATE occurrence SET due_at = due_at - interval '1 minute'")
    await wall.database.execute("UPDATE schedule SET next_due = now(), look_at = now()")
    wall.shop.enrol("acme", status="SUSPENDED")
    await wall.look()
    first, second = await wall.rows(schedule)
    assert second.state == "SKIPPED"
    assert (await wall.shop.run(first.run_ids[0])).status is RunStatus.PENDING


async def test_a_run_that_failed_for_a_passing_reason_is_started_again_three_times(wall: Wall) -> None:
    schedule = await wall.put()
    await wall.look()
    waits = []
    for _ in range(MOST_RETRIES):
        await wall.over(only=away)
        await wall.look()
        (row,) = await wall.rows(schedule)
        assert row.retry_at is not None
        assert row.ended_at is not None
        waits.append((row.retry_at - row.ended_at) / MINUTE)
        await wall.later(waits[-1] * 60)
        await wall.look()
    await wall.over(only=away)
    await wall.look()
    (row,) = await wall.rows(schedule)
    assert (waits, row.retries, row.retry_at, row.live) == ([1, 2, 4], 3, None, False)
    assert row.why == "failed for a passing reason, and so did 3 retries"
    last = await wall.shop.run(row.run_ids[-1])
    assert (last.retry_of, last.trigger_type) == (row.run_ids[-2], TriggerType.SCHEDULER)
    kept = await wall.shop.journal.find_schedule("acme", schedule.schedule_id)
    assert kept is not None
    assert kept.last_run_status == "FAILED"


async def test_a_run_that_failed_for_good_is_not_started_again(wall: Wall) -> None:
    schedule = await wall.put()
    await wall.look()
    await wall.over(only=wrong)
    await wall.look()
    (row,) = await wall.rows(schedule)
    assert (row.status, row.retry_at, row.live) == (RunStatus.FAILED, None, False)


async def test_an_organisation_that_may_not_run_is_skipped_with_the_reason(wall: Wall) -> None:
    wall.shop.enrol("acme", status="SUSPENDED")
    schedule = await wall.put()
    await wall.look()
    (row,) = await wall.rows(schedule)
    assert (row.state, row.why.partition(":")[0]) == ("SKIPPED", "SUBSCRIPTION_INACTIVE")


@pytest.mark.item("J137")
async def test_a_schedule_of_a_pipeline_that_is_gone_is_switched_off_with_a_note(wall: Wall) -> None:
    schedule = await wall.put(pipeline="gone")
    alarms = firing.disabled._value.get()
    await wall.look()
    (row,) = await wall.rows(schedule)
    kept = await wall.shop.journal.find_schedule("acme", schedule.schedule_id)
    assert (row.state, row.why.partition(":")[0]) == ("SKIPPED", "PIPELINE_NOT_FOUND")
    assert kept is not None
    assert (kept.active, kept.note) == (False, "switched off: there is no pipeline lab/test/gone any more")
    assert firing.disabled._value.get() == alarms + 1


async def test_a_full_queue_puts_an_occurrence_off(wall: Wall) -> None:
    schedule = await wall.put()
    scheduler = wall.shop.scheduler()
    firing = evolve(scheduler.firing, acceptance=wall.shop.acceptance(waiting_runs=0))
    await evolve(scheduler, firing=firing).attend()
    (row,) = await wall.rows(schedule)
    assert (row.state, row.why.partition(":")[0]) == ("DUE", "QUEUE_FULL")
    await wall.later(5)
    await wall.look()
    assert await wall.states(schedule) == ["FIRED"]


async def test_a_change_takes_the_hold_of_a_scheduler_away(wall: Wall) -> None:
    schedule = await wall.put(days_ago=1)
    (held,) = await wall.shop.journal.hold()
    assert await wall.shop.journal.hold() == ()
    moment = held.now + timedelta(hours=1)
    await wall.shop.journal.put_schedule(evolve(schedule, cron="0 0 1 1 *", next_due=moment))
    with pytest.raises(StaleFenceError):
        await wall.shop.journal.write_round(held, Round(next_due=held.now))
    kept = await wall.shop.journal.find_schedule("acme", schedule.schedule_id)
    assert kept is not None
    assert kept.next_due == moment


async def test_a_paused_schedule_fires_nothing_and_says_so_for_every_time(wall: Wall) -> None:
    schedule = await wall.put()
    await wall.shop.journal.set_schedule_active("acme", schedule.schedule_id, active=False, note="lunch", next_due=None)
    await wall.look()
    (row,) = await wall.rows(schedule)
    assert (row.state, row.why) == ("SKIPPED", "the schedule was paused: lunch")


async def test_jitter_puts_every_occurrence_off_alike(wall: Wall) -> None:
    schedule = await wall.put(jitter_seconds=86_400)
    await wall.look()
    (row,) = await wall.rows(schedule)
    assert row.state == "DUE"
    assert row.act_at is not None
    await wall.later((row.act_at - row.due_at).total_seconds())
    await wall.look()
    assert await wall.states(schedule) == ["FIRED"]


async def test_one_schedule_that_cannot_be_understood_holds_up_no_other(wall: Wall) -> None:
    broken, sound = await wall.put(), await wall.put()
    await wall.database.execute("UPDATE schedule SET cron = 'often' WHERE schedule_id = $1", broken.schedule_id)
    await wall.look()
    assert (await wall.states(broken), await wall.states(sound)) == ([], ["FIRED"])
