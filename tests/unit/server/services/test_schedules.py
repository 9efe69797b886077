"""Keeping schedules over the real journal: what is kept, shown and refused."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
from datapipeline.v1 import scheduler_pb2 as pb

from tests.fakes.kept_schedules import make_due, put, refused
from tests.plugins.service import AS_ACME, AS_GLOBEX, refusal_of
from tests.unit.server.services.conftest import Desk
from workers.model.timetable import Occurrence, OccurrenceState, Round

pytestmark = pytest.mark.engine
NIL = "00000000-0000-0000-0000-000000000000"


async def test_a_schedule_is_kept_with_all_that_was_said_and_what_was_not(desk: Desk) -> None:
    full = await put(
        desk,
        timezone="Europe/Berlin",
        parameters={"date": "today-2"},
        priority=3,
        name="nightly",
        catch_up="all",
        overlap="queue",
        jitter_seconds=60,
        note="why",
        is_active=False,
    )
    assert (full.timezone, full.priority, full.name, full.note, full.is_active) == (
        "Europe/Berlin",
        3,
        "nightly",
        "why",
        False,
    )
    assert (full.catch_up, full.overlap, full.jitter_seconds, full.parameters["date"]) == (
        "all",
        "queue",
        60,
        "today-2",
    )
    plain = await put(desk)
    assert (plain.timezone, plain.priority, plain.name, plain.is_active) == ("UTC", 100, "default", True)
    assert (plain.catch_up, plain.overlap, plain.pipeline_id) == ("latest", "skip", "acme-openai-cost-usage_cost")
    assert plain.next_run_time.ToDatetime(UTC) > datetime.now(UTC)
    assert not full.HasField("next_run_time")
    listed = await desk.served.scheduler.ListSchedules(pb.ListSchedulesRequest(org="acme"), metadata=AS_ACME)
    assert [one.config_id for one in listed.schedules] == [plain.config_id, full.config_id]


async def test_an_answer_can_be_put_again(desk: Desk) -> None:
    kept = await put(desk)
    again = await desk.served.scheduler.PutSchedule(pb.PutScheduleRequest(org="acme", schedule=kept), metadata=AS_ACME)
    assert (again.config_id, again.etag) == (kept.config_id, "2")


async def test_times_may_be_said_in_words(desk: Desk) -> None:
    times: dict[str, dict[str, Any]] = {
        "0 0 * * *": {"type": "daily"},
        "30 6 * * *": {"type": "daily", "time": "06:30"},
        "30 6 15 * *": {"type": "monthly", "time": "06:30", "day_of_month": 15},
    }
    for cron, said in times.items():
        assert (await put(desk, schedule_cron=None, **said)).schedule_cron == cron


async def test_without_times_the_pipelines_own_count(desk: Desk) -> None:
    assert (await put(desk, schedule_cron=None)).schedule_cron == "0 6 * * *"
    named = {"provider": "example", "domain": "smoke", "pipeline": "nothing"}
    code, reason, violations = await refused(desk, schedule_cron=None, **named)
    assert (code, reason) == ("INVALID_ARGUMENT", "REQUEST_INVALID")
    assert "declares no schedule" in violations["schedule.schedule_cron"]


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"schedule_cron": "0 0 30 2 *"}, "schedule.schedule_cron", "never fires"),
    ({"schedule_cron": "61 * * * *"}, "schedule.schedule_cron", "not in 0 to 59"),
    ({"schedule_cron": "* * * *"}, "schedule.schedule_cron", "five fields"),
    ({"timezone": "Mars/Base"}, "schedule.schedule_cron", "no time zone"),
    ({"type": "daily"}, "schedule.schedule_cron", "not both"),
    ({"time": "10:00"}, "schedule.schedule_cron", "go with type"),
    ({"schedule_cron": None, "type": "daily", "day_of_month": 3}, "schedule.schedule_cron", "no day_of_month"),
    ({"schedule_cron": None, "type": "hourly"}, "schedule.type", "one of"),
    ({"schedule_cron": None, "type": "monthly", "day_of_month": 32}, "schedule.day_of_month", "at most 31"),
    ({"jitter_seconds": 86_401}, "schedule.jitter_seconds", "at most"),
    ({"jitter_seconds": -1}, "schedule.jitter_seconds", "at least 0"),
    ({"priority": 0}, "schedule.priority", "at least 1"),
    ({"overlap": "sometimes"}, "schedule.overlap", "one of"),
    ({"is_active": "true"}, "schedule.is_active", "true or false"),
    ({"unknown": 1}, "schedule.unknown", "not known"),
    ({"pipeline": None}, "schedule.pipeline", "required"),
]


async def test_what_is_wrong_is_named(desk: Desk) -> None:
    for changes, field, said in WRONG:
        code, reason, violations = await refused(desk, **changes)
        assert (code, reason) == ("INVALID_ARGUMENT", "REQUEST_INVALID"), changes
        assert said in violations[field]
    assert await desk.journal.list_schedules("acme") == ()


async def test_the_pipeline_and_its_parameters_are_checked_at_once(desk: Desk) -> None:
    assert (await refused(desk, pipeline="absent"))[:2] == ("NOT_FOUND", "PIPELINE_NOT_FOUND")
    code, reason, violations = await refused(desk, parameters={"date": "someday", "wrong": 1})
    assert (code, reason, set(violations)) == ("INVALID_ARGUMENT", "PARAMETERS_INVALID", {"date", "wrong"})


async def test_an_etag_protects_from_overwriting(desk: Desk) -> None:
    kept = await put(desk)
    await put(desk, priority=1, etag=kept.etag)
    for etag in (kept.etag, "nonsense", "9" * 30):
        assert (await refused(desk, etag=etag))[:2] == ("ABORTED", "SCHEDULE_CHANGED")


async def test_a_config_id_must_be_that_of_the_schedule(desk: Desk) -> None:
    kept = await put(desk)
    assert (await put(desk, config_id=kept.config_id)).config_id == kept.config_id
    assert (await refused(desk, config_id=kept.config_id, name="other"))[1] == "REQUEST_INVALID"
    assert (await refused(desk, config_id=NIL))[1] == "SCHEDULE_NOT_FOUND"


async def test_a_schedule_is_paused_resumed_and_deleted(desk: Desk) -> None:
    kept = await put(desk)
    named: dict[str, Any] = {"org": "acme", "config_id": kept.config_id}
    scheduler = desk.served.scheduler
    paused = await scheduler.PauseSchedule(pb.PauseScheduleRequest(**named, note="holiday"), metadata=AS_ACME)
    seen = await scheduler.ListOccurrences(pb.ListOccurrencesRequest(**named), metadata=AS_ACME)
    resumed = await scheduler.ResumeSchedule(pb.ResumeScheduleRequest(**named), metadata=AS_ACME)
    assert (paused.is_active, paused.note, resumed.is_active, resumed.note) == (False, "holiday", True, "")
    assert not paused.HasField("next_run_time")
    assert len(seen.coming) == 0
    assert resumed.next_run_time == kept.next_run_time
    await scheduler.DeleteSchedule(pb.DeleteScheduleRequest(**named), metadata=AS_ACME)
    refusal = await refusal_of(scheduler.DeleteSchedule(pb.DeleteScheduleRequest(**named), metadata=AS_ACME))
    assert refusal.reason == "SCHEDULE_NOT_FOUND"


async def test_a_foreign_schedule_is_as_none(desk: Desk) -> None:
    kept = await put(desk)
    for method in ("DeleteSchedule", "PauseSchedule", "ResumeSchedule", "ListOccurrences"):
        call, request = getattr(desk.served.scheduler, method), getattr(pb, f"{method}Request")
        seen = [
            (await refusal_of(call(request(org="globex", config_id=one), metadata=AS_GLOBEX))).seen
            for one in (kept.config_id, NIL, "no-uuid")
        ]
        assert len(set(seen)) == 1
        assert "SCHEDULE_NOT_FOUND" in seen[0]


async def test_the_next_times_are_shown(desk: Desk) -> None:
    kept = await put(desk, schedule_cron="*/10 * * * *", jitter_seconds=600)
    asked = pb.ListOccurrencesRequest(org="acme", config_id=kept.config_id, next=3)
    coming = (await desk.served.scheduler.ListOccurrences(asked, metadata=AS_ACME)).coming
    times = [one.due_at.ToDatetime(UTC) for one in coming]
    assert [times[1] - times[0], times[2] - times[1]] == [timedelta(minutes=10)] * 2
    assert (coming[0].due_at, {one.state for one in coming}) == (kept.next_run_time, {"COMING"})
    assert len({(one.fires_at.ToDatetime() - one.due_at.ToDatetime()) for one in coming}) == 1


async def test_what_has_come_is_paged_and_a_token_stays_with_its_schedule(desk: Desk) -> None:
    kept, other = await put(desk), await put(desk, name="other")
    now = await desk.journal.ping()
    await make_due(desk, kept.config_id)
    (held,) = await desk.journal.hold()
    rows = tuple(Occurrence(now - timedelta(days=n), OccurrenceState.MISSED, why="no") for n in range(3))
    await desk.journal.write_round(held, Round(rows, now + timedelta(days=1)))
    ask = desk.served.scheduler.ListOccurrences
    asked: dict[str, Any] = {"org": "acme", "config_id": kept.config_id}
    page = await ask(pb.ListOccurrencesRequest(**asked, page_size=2), metadata=AS_ACME)
    rest = await ask(pb.ListOccurrencesRequest(**asked, page_token=page.next_page_token), metadata=AS_ACME)
    assert [one.due_at.ToDatetime(UTC) for one in (*page.past, *rest.past)] == [row.due_at for row in rows]
    foreign = pb.ListOccurrencesRequest(org="acme", config_id=other.config_id, page_token=page.next_page_token)
    assert (await refusal_of(ask(foreign, metadata=AS_ACME))).reason == "PAGE_TOKEN_INVALID"


async def test_an_edit_leaves_every_time_that_nobody_looked_at_as_missed(desk: Desk) -> None:
    kept = await put(desk, schedule_cron="* * * * *")
    (schedule,) = await desk.journal.list_schedules("acme")
    due = (await desk.journal.ping()).replace(second=0, microsecond=0) - timedelta(minutes=3)
    await desk.journal.put_schedule(attrs.evolve(schedule, cron="1 1 1 1 *", next_due=due))
    await desk.journal.put_schedule(attrs.evolve(schedule, next_due=due))
    await put(desk, schedule_cron="0 3 * * *")
    past = await desk.journal.occurrences("acme", uuid.UUID(kept.config_id))
    assert {row.due_at for row in past} >= {due + timedelta(minutes=n) for n in range(4)}
