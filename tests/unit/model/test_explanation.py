"""Explaining a run: every state has a reason, in order, and nothing is unknown."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from workers.model.explanation import Explanation, Owner, Retry, Why
from workers.model.explanation_ended import ended_reasons
from workers.model.explanation_live import PAUSES, live_reasons
from workers.model.failure import Code, Reason
from workers.model.pause import Pause
from workers.model.run import Run, RunError, RunStatus, StepRun, StepStatus
from workers.model.situation import (
    Ended,
    Fleet,
    Holder,
    LaneState,
    Leased,
    Live,
    Paused,
    Place,
    Suspected,
    Waiting,
)
from workers.model.verdicts import VERDICTS

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
RUN = Run(
    UUID(int=1),
    "acme",
    "openai",
    "cost",
    "usage_cost",
    "acme-openai-cost-usage_cost",
    "hash",
    RunStatus.PENDING,
    NOW - timedelta(hours=1),
    date(2026, 6, 30),
)
LIVE = [status for status in RunStatus if not status.terminal]
OVER = [status for status in RunStatus if status.terminal]
KNOWN = {*Why, *Reason}

moments = st.integers(-100, 100).map(lambda seconds: NOW + timedelta(seconds=seconds))
counts = st.integers(0, 1001)
places: st.SearchStrategy[Place] = st.one_of(
    st.builds(Waiting, counts),
    st.builds(Suspected, moments, moments, counts),
    st.builds(Paused, moments, st.sampled_from(Pause), st.text(max_size=5), st.none() | st.sampled_from(Reason)),
    st.builds(Leased, st.just("w1"), moments, st.booleans()),
)
holders = st.lists(st.builds(Holder, st.uuids(), st.just("p"), moments), max_size=3).map(tuple)
lanes = st.builds(
    LaneState,
    cap=st.integers(0, 5),
    weight=st.floats(0.1, 10),
    running=st.integers(0, 5),
    holders=holders,
    running_in_all=st.integers(0, 50),
    lanes_ahead=counts,
    typical_seconds=st.none() | st.floats(0, 1000),
)
fleets = st.builds(Fleet, st.integers(0, 3), st.integers(0, 9), st.none() | moments)
lives = st.builds(Live, places, lanes, fleets, st.integers(0, 2))
steps = st.lists(
    st.builds(
        StepRun,
        st.sampled_from("abc"),
        st.just("x.y"),
        st.sampled_from(StepStatus),
        error=st.none() | st.builds(RunError, st.just(Code.INTERNAL), st.sampled_from(Reason), st.text(max_size=5)),
    ),
    max_size=4,
).map(tuple)
errors = st.none() | st.builds(RunError, st.sampled_from(Code), st.sampled_from(Reason), st.text(max_size=5))


def sound(reasons: tuple[Explanation, ...]) -> None:
    assert reasons
    assert all(why.reason in KNOWN and (why.message or why.reason in set(Reason)) for why in reasons)
    assert all("UNKNOWN" not in why.reason for why in reasons)


@given(st.sampled_from(LIVE), lives)
def test_a_live_run_always_has_a_reason_and_none_of_a_retry(status: RunStatus, live: Live) -> None:
    reasons = live_reasons(evolve(RUN, status=status), NOW, live)
    sound(reasons)
    assert {why.retry for why in reasons} == {Retry.NOT_ENDED}
    assert len({why.reason for why in reasons}) == len(reasons)


@given(st.sampled_from(LIVE), lives)
def test_a_forecast_is_never_in_the_past_nor_given_where_slots_are_full(status: RunStatus, live: Live) -> None:
    forecasts = [why.forecast for why in live_reasons(evolve(RUN, status=status), NOW, live) if why.forecast]
    assert all(at >= NOW for at in forecasts)
    assert live.fleet.free or not forecasts


@given(lives, st.integers(0, 900))
def test_more_runs_ahead_never_make_the_forecast_earlier(live: Live, ahead: int) -> None:
    sooner, later = [
        {why.forecast for why in live_reasons(RUN, NOW, evolve(live, place=Waiting(count))) if why.forecast}
        for count in (ahead + 1, ahead + 2)
    ]
    assert not sooner or max(sooner) <= max(later)


@given(lives)
def test_next_is_only_what_nothing_stands_before(live: Live) -> None:
    reasons = {why.reason for why in live_reasons(RUN, NOW, live)}
    if Why.NEXT in reasons:
        assert reasons == {Why.NEXT}
        assert live.fleet.workers
        assert live.fleet.free
        assert live.lane.running < live.lane.cap
        assert live.place == Waiting(0)


@given(
    st.sampled_from(OVER),
    errors,
    steps,
    st.builds(Ended, st.none() | st.uuids(), st.none() | moments),
    st.none() | moments,
)
def test_an_ended_run_always_has_a_reason_and_an_advice(
    status: RunStatus, error: RunError | None, done: tuple[StepRun, ...], ended: Ended, at: datetime | None
) -> None:
    run = evolve(RUN, status=status, error=error, steps=done, end_time=at)
    reasons = ended_reasons(run, NOW, ended, "http://mend")
    sound(reasons)
    assert reasons[0].retry is not Retry.NOT_ENDED
    assert all(why.until is None or why.until > NOW for why in reasons if why.reason in VERDICTS)
    if status is RunStatus.COMPLETED:
        assert {why.retry for why in reasons if why.reason in VERDICTS} <= {Retry.NO, Retry.NEW_RUN}


@pytest.mark.parametrize(("status", "reason"), [*product((RunStatus.FAILED, RunStatus.QUARANTINED), Reason)])
def test_every_failure_says_whose_it_is_whether_a_retry_helps_and_what_to_do(status: RunStatus, reason: Reason) -> None:
    error = RunError(Code.INTERNAL, reason, "what happened")
    (why,) = ended_reasons(evolve(RUN, status=status, error=error, end_time=NOW), NOW, Ended(), "http://mend")
    assert (why.reason, why.message) == (reason.value, "what happened")
    assert why.owner is not Owner.NOBODY
    assert why.retry is not Retry.NOT_ENDED
    assert why.remedy


def test_no_reason_of_a_failure_and_no_kind_of_wait_is_forgotten() -> None:
    assert set(VERDICTS) == set(Reason)
    assert set(PAUSES) == set(Pause)
    assert len(set(PAUSES.values())) == len(Pause)


def test_every_reason_that_is_not_a_failure_is_given_by_some_state() -> None:
    past, soon = NOW - timedelta(seconds=1), NOW + timedelta(seconds=9)
    lane, fleet = LaneState(cap=2), Fleet(1, 1)
    full, shut = Fleet(1, 0), Fleet(1, 1, soon)
    lives = [
        Live(Leased("w1", soon), lane, fleet),
        Live(Leased("w1", past), lane, fleet),
        Live(Suspected(NOW, soon), lane, fleet),
        Live(Waiting(), lane, fleet),
        Live(Waiting(3), lane, shut),
        Live(Waiting(), LaneState(cap=1, running=1), fleet),
        Live(Waiting(), LaneState(cap=0), fleet),
        Live(Waiting(), LaneState(cap=1, lanes_ahead=2), full),
        Live(Waiting(), lane, Fleet()),
        *(Live(Paused(soon, pause, "words"), lane, fleet) for pause in Pause),
    ]
    given_by_state = {why.reason for live in lives for why in live_reasons(RUN, NOW, live)}
    given_by_state |= {
        why.reason for why in live_reasons(evolve(RUN, status=RunStatus.CANCELLING), NOW, Live(Waiting(), lane, fleet))
    }
    partly = (StepRun("a", "x", StepStatus.SKIPPED), StepRun("b", "x", StepStatus.CANCELLED))
    over = evolve(RUN, status=RunStatus.COMPLETED, steps=partly)
    given_by_state |= {why.reason for why in ended_reasons(over, NOW, Ended(UUID(int=2), soon), "http://mend")}
    assert set(Why) - given_by_state == {Why.CREDENTIAL_REJECTED}  # of the directory, not of a state


@pytest.mark.parametrize("status", LIVE)
def test_a_live_run_cannot_be_explained_as_ended(status: RunStatus) -> None:
    with pytest.raises(AssertionError, match="has not ended"):
        ended_reasons(evolve(RUN, status=status), NOW, Ended(), "")
