from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from workers.model.failure import Code, Failure, Reason
from workers.model.occurrences import (
    MOST_CAUGHT_UP,
    MOST_WAITING,
    PLANNED_AT_ONCE,
    Fire,
    Skip,
    Wait,
    followed,
    jitter,
    newly_due,
    not_accepted,
    not_retried,
    overdue,
    retried,
    turn,
)
from workers.model.retry import retry_delay
from workers.model.run import RunError, RunStatus
from workers.model.timetable import NOTHING_OVERDUE, CatchUp, Occurrence, OccurrenceState, Overdue, Overlap, Schedule

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
HOURLY = Schedule(uuid.UUID(int=1), "acme", "openai", "cost", "usage_cost", "hourly", "0 * * * *")
RUN = uuid.UUID(int=7)
AWAY = RunError(Code.UNAVAILABLE, Reason.PROVIDER_UNAVAILABLE, "away")
WRONG = RunError(Code.PERMISSION_DENIED, Reason.PROVIDER_AUTH, "wrong")
policies = st.sampled_from(CatchUp)


def fired(due_at: datetime = NOON, runs: int = 1, status: RunStatus | None = None, **changes: Any) -> Occurrence:
    ended = due_at + HOUR if status and status.terminal else None
    row = Occurrence(due_at, OccurrenceState.FIRED, run_ids=(RUN,) * runs, live=True, status=status, ended_at=ended)
    return evolve(row, **changes)


def states(schedule: Schedule, now: datetime = NOON) -> list[str]:
    return [one.state.value for one in newly_due(schedule, now)[0]]


@given(catch_up=policies, hours=st.integers(0, 1500), minutes=st.integers(0, 59), active=st.booleans())
def test_every_time_up_to_now_becomes_one_occurrence(catch_up: CatchUp, hours: int, minutes: int, active: bool) -> None:
    now = NOON + minutes * MINUTE
    schedule = evolve(HOURLY, next_due=NOON - hours * HOUR, catch_up=catch_up, active=active)
    found: list[Occurrence] = []
    while schedule.next_due is not None and schedule.next_due <= now:
        planned, following = newly_due(schedule, now)
        assert len(planned) <= PLANNED_AT_ONCE
        found += planned
        schedule = evolve(schedule, next_due=following)
    assert [one.due_at for one in found] == [NOON - back * HOUR for back in range(hours, -1, -1)]
    assert schedule.next_due == NOON + HOUR
    due = [one for one in found if one.state == "DUE"]
    allowed = {CatchUp.NONE: 1 if minutes <= 1 else 0, CatchUp.LATEST: 1, CatchUp.ALL: min(hours + 1, MOST_CAUGHT_UP)}
    assert len(due) == (allowed[catch_up] if active else 0)
    assert due == found[len(found) - len(due) :]
    assert all(one.why for one in found if one.state != "DUE")


@pytest.mark.parametrize("next_due", [None, NOON + MINUTE])
def test_nothing_is_due_before_its_time(next_due: datetime | None) -> None:
    assert newly_due(evolve(HOURLY, next_due=next_due), NOON) == ((), next_due)


def test_a_minute_late_is_on_time() -> None:
    schedule = evolve(HOURLY, next_due=NOON, catch_up=CatchUp.NONE)
    assert states(schedule, NOON + MINUTE) == ["DUE"]
    assert states(schedule, NOON + MINUTE + timedelta(seconds=1)) == ["MISSED"]


def test_a_paused_schedule_skips_with_its_note() -> None:
    (one,), _ = newly_due(evolve(HOURLY, next_due=NOON, active=False, note="holiday"), NOON)
    assert (one.state, one.why) == ("SKIPPED", "the schedule was paused: holiday")


@given(seconds=st.integers(0, 86_400), org=st.from_regex(r"[a-z0-9_]{3,50}", fullmatch=True))
def test_jitter_stays_inside_its_window_and_is_always_the_same(seconds: int, org: str) -> None:
    schedule = evolve(HOURLY, org_slug=org, jitter_seconds=seconds)
    assert timedelta(0) <= jitter(schedule) <= timedelta(seconds=max(0, seconds - 1))
    assert jitter(schedule) == jitter(evolve(schedule, name="another"))


@pytest.mark.fault("F38")
def test_jitter_spreads_organisations() -> None:
    spread = {jitter(evolve(HOURLY, org_slug=f"org_{n}", jitter_seconds=600)) for n in range(100)}
    assert len(spread) > 80


@pytest.mark.parametrize(
    ("overlap", "decided"),
    [(Overlap.SKIP, Skip), (Overlap.QUEUE, Wait), (Overlap.CANCEL_PREVIOUS, Fire)],
)
def test_a_live_run_decides_by_the_overlap_policy(overlap: Overlap, decided: type) -> None:
    schedule, earlier = evolve(HOURLY, overlap=overlap), fired(NOON - HOUR)
    decision = turn(schedule, Occurrence(NOON), [earlier], 0)
    assert isinstance(decision, decided)
    assert not isinstance(decision, Fire) or decision.instead_of == (RUN,)
    assert turn(schedule, Occurrence(NOON), [], 0) == Fire()


@given(overlap=st.sampled_from(Overlap))
def test_what_is_caught_up_waits_and_so_does_what_is_behind_it(overlap: Overlap) -> None:
    schedule = evolve(HOURLY, overlap=overlap)
    assert turn(schedule, Occurrence(NOON, late=True), [fired()], 0) == Wait()
    assert turn(schedule, Occurrence(NOON), [fired()], 1) == Wait()
    assert turn(schedule, Occurrence(NOON), [fired(NOON - HOUR, late=True)], 0) == Wait()


def test_only_so_many_wait() -> None:
    decision = turn(evolve(HOURLY, overlap=Overlap.QUEUE), Occurrence(NOON), [fired()], MOST_WAITING)
    assert isinstance(decision, Skip)


@pytest.mark.parametrize("status", [None, RunStatus.RUNNING, RunStatus.PENDING, RunStatus.CANCELLING])
def test_a_run_is_followed_to_its_end(status: RunStatus | None) -> None:
    assert followed(HOURLY, fired(status=status, ended_at=None)) == (
        None if status else evolve(fired(), live=False, why="its run is not kept any more")
    )


@pytest.mark.parametrize("status", [RunStatus.COMPLETED, RunStatus.CANCELLED, RunStatus.QUARANTINED])
def test_what_did_not_fail_is_not_tried_again(status: RunStatus) -> None:
    after = followed(HOURLY, fired(status=status, error=AWAY))
    assert after is not None
    assert (after.live, after.retry_at) == (False, None)


@pytest.mark.parametrize("status", [RunStatus.FAILED, RunStatus.TIMEOUT])
def test_what_failed_for_a_passing_reason_is_tried_again_later_and_later(status: RunStatus) -> None:
    waits = []
    for runs in (1, 2, 3):
        after = followed(HOURLY, fired(runs=runs, status=status, error=AWAY))
        assert after is not None
        assert after.retry_at is not None
        waits.append(after.retry_at - (NOON + HOUR))
    last = followed(HOURLY, fired(runs=4, status=status, error=AWAY))
    assert waits == [MINUTE, 2 * MINUTE, 4 * MINUTE]
    assert last is not None
    assert (last.retry_at, bool(last.why)) == (None, True)


@pytest.mark.parametrize(("active", "error"), [(True, WRONG), (True, None), (False, AWAY)])
def test_nothing_else_is_tried_again(active: bool, error: RunError | None) -> None:
    after = followed(evolve(HOURLY, active=active), fired(status=RunStatus.FAILED, error=error))
    assert after is not None
    assert after.retry_at is None


def test_a_retry_gives_way_to_a_later_run() -> None:
    waiting, later = fired(live=False, retry_at=NOON), fired(NOON + HOUR)
    assert retried(HOURLY, waiting, [], NOON) == Fire()
    assert retried(HOURLY, waiting, [later], NOON) == evolve(waiting, retry_at=NOON + MINUTE)
    for changed in (evolve(HOURLY, overlap=Overlap.CANCEL_PREVIOUS), evolve(HOURLY, active=False)):
        dropped = retried(changed, waiting, [later], NOON)
        assert isinstance(dropped, Occurrence)
        assert (dropped.retry_at, bool(dropped.why)) == (None, True)


@given(retry=st.integers(1, 10_000))
def test_the_wait_before_a_retry_doubles_up_to_an_hour(retry: int) -> None:
    assert retry_delay(retry) == min(HOUR, MINUTE * 2 ** min(retry - 1, 10))


@pytest.mark.parametrize(
    ("reason", "ago", "state"),
    [
        (Reason.QUEUE_FULL, MINUTE, "DUE"),
        (Reason.QUEUE_FULL, 2 * HOUR, "MISSED"),
        (Reason.SUBSCRIPTION_INACTIVE, MINUTE, "SKIPPED"),
    ],
)
def test_what_is_not_accepted_is_put_off_or_decided(reason: Reason, ago: timedelta, state: str) -> None:
    failure = Failure(Code.RESOURCE_EXHAUSTED, reason, "no", retry_after=5)
    after = not_accepted(Occurrence(NOON - ago), failure, NOON)
    assert (after.state, after.why) == (state, f"{reason}: no")
    assert after.act_at == (NOON + timedelta(seconds=5) if state == "DUE" else None)


def test_a_retry_waits_for_room_in_the_queue_an_hour_at_most() -> None:
    full = Failure(Code.RESOURCE_EXHAUSTED, Reason.QUEUE_FULL, "no", retry_after=5)
    failed = fired(live=False, status=RunStatus.FAILED, ended_at=NOON, retry_at=NOON + MINUTE)
    put_off = not_retried(failed, full, NOON + MINUTE)
    assert (put_off.retry_at, put_off.why) == (NOON + MINUTE + timedelta(seconds=5), "QUEUE_FULL: no")
    for failure, now in ((full, NOON + 2 * HOUR), (evolve(full, reason=Reason.QUOTA_EXCEEDED), NOON + MINUTE)):
        given_up = not_retried(failed, failure, now)
        assert (given_up.retry_at, given_up.why) == (None, f"not tried again: {failure.reason}: no")


def test_overdue_is_what_is_due_after_the_next_time_up_to_now() -> None:
    due = evolve(HOURLY, next_due=NOON - 2 * HOUR, version=4)
    assert overdue(due, NOON) == Overdue(4, (NOON - HOUR, NOON))
    assert overdue(evolve(due, next_due=NOON + HOUR), NOON).times == ()
    assert overdue(evolve(due, next_due=None), NOON) == NOTHING_OVERDUE
