from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.model.failure import Code, Reason
from workers.model.run import (
    CancelAsked,
    Change,
    Ended,
    Returned,
    Run,
    RunError,
    RunStatus,
    Started,
    StepRun,
    StepStatus,
    TransitionError,
    advance,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 1, 1, 13, tzinfo=UTC)
RUN = Run(
    UUID(int=1),
    "acme",
    "openai",
    "cost",
    "usage_cost",
    "acme-openai-cost-usage_cost",
    "c0ffee",
    RunStatus.PENDING,
    NOON,
    date(2026, 1, 1),
)
ERROR = RunError(Code.INTERNAL, Reason.INTERNAL, "broken", "extract")

statuses = st.sampled_from(RunStatus)
terminal = st.sampled_from([status for status in RunStatus if status.terminal])
changes = st.one_of(
    st.just(Started(NOON)),
    st.just(Returned()),
    st.just(CancelAsked(NOON)),
    st.builds(Ended, st.just(LATER), statuses, st.sampled_from([None, ERROR])),
)
ALLOWED = {
    RunStatus.PENDING: {
        RunStatus.PENDING,
        RunStatus.RUNNING,
        RunStatus.CANCELLED,
        RunStatus.QUARANTINED,
        RunStatus.FAILED,
    },
    RunStatus.RUNNING: set(RunStatus) - {RunStatus.RUNNING, RunStatus.CANCELLED},
    RunStatus.CANCELLING: set(RunStatus) - {RunStatus.PENDING, RunStatus.RUNNING, RunStatus.TIMEOUT},
}


def at(status: RunStatus) -> Run:
    return attrs.evolve(RUN, status=status)


def follow(run: Run, said: list[Change]) -> list[Run]:
    """Return every state a run goes through; what is refused leaves it as it was."""
    states = [run]
    for change in said:
        try:
            states.append(advance(states[-1], change))
        except TransitionError:
            states.append(states[-1])
    return states


@given(terminal, changes)
def test_an_ended_run_never_changes(status: RunStatus, change: Change) -> None:
    with pytest.raises(TransitionError, match="final"):
        advance(at(status), change)


@given(statuses, changes)
def test_a_run_moves_along_the_graph_only(status: RunStatus, change: Change) -> None:
    before, after = follow(at(status), [change])
    assert after is before or after.status in ALLOWED[before.status]


@given(st.lists(changes, max_size=12))
def test_a_run_ends_at_most_once(said: list[Change]) -> None:
    ended = [run for run in follow(RUN, said) if run.status.terminal]
    assert all(run == ended[0] for run in ended)


@given(st.lists(changes, max_size=12))
def test_an_end_has_its_time_and_nothing_else_has(said: list[Change]) -> None:
    for run in follow(RUN, said):
        assert (run.end_time is not None) == run.status.terminal


@given(st.lists(changes, max_size=12))
def test_attempts_count_starts(said: list[Change]) -> None:
    states = follow(RUN, said)
    for before, after, change in zip(states, states[1:], said, strict=False):
        started = isinstance(change, Started) and after is not before
        assert after.attempt == before.attempt + started


@given(st.lists(changes, max_size=12))
def test_what_a_run_is_never_changes(said: list[Change]) -> None:
    moving = {"status", "attempt", "start_time", "end_time", "error"}
    fixed = [name for name in attrs.fields_dict(Run) if name not in moving]
    last = follow(RUN, said)[-1]
    assert [getattr(last, name) for name in fixed] == [getattr(RUN, name) for name in fixed]


def test_a_started_run_is_running() -> None:
    run = advance(RUN, Started(NOON))
    assert (run.status, run.attempt, run.start_time) == (RunStatus.RUNNING, 1, NOON)


def test_a_second_start_keeps_the_first_time() -> None:
    again = follow(RUN, [Started(NOON), Returned(), Started(LATER)])[-1]
    assert (again.start_time, again.attempt) == (NOON, 2)


def test_a_running_run_cannot_start() -> None:
    with pytest.raises(TransitionError, match="already"):
        advance(at(RunStatus.RUNNING), Started(NOON))


def test_a_waiting_run_has_no_worker_to_return_it() -> None:
    with pytest.raises(TransitionError, match="no worker"):
        advance(RUN, Returned())


def test_a_waiting_run_is_cancelled_at_once() -> None:
    run = advance(RUN, CancelAsked(LATER))
    assert (run.status, run.end_time) == (RunStatus.CANCELLED, LATER)


@given(st.lists(st.sampled_from([CancelAsked(NOON), CancelAsked(LATER)]), min_size=1))
def test_cancelling_again_changes_nothing(said: list[Change]) -> None:
    states = follow(at(RunStatus.RUNNING), said)
    assert {run.status for run in states[1:]} == {RunStatus.CANCELLING}


def test_a_cancelled_run_that_returns_stays_cancelling() -> None:
    returned = follow(at(RunStatus.CANCELLING), [Returned(), Started(LATER)])[-1]
    assert returned.status is RunStatus.CANCELLING


def test_an_end_keeps_its_error() -> None:
    assert advance(at(RunStatus.RUNNING), Ended(LATER, RunStatus.FAILED, ERROR)).error == ERROR


@pytest.mark.parametrize("status", [RunStatus.PENDING, RunStatus.RUNNING])
def test_only_what_was_asked_to_stop_ends_cancelled(status: RunStatus) -> None:
    allowed = status is RunStatus.PENDING
    after = follow(at(status), [Ended(LATER, RunStatus.CANCELLED)])[-1]
    assert (after.status is RunStatus.CANCELLED) == allowed


def test_a_step_is_found_by_its_name() -> None:
    run = attrs.evolve(RUN, steps=(StepRun("one", "a.b"), StepRun("two", "a.c")))
    assert run.step("two").ps_type == "a.c"
    with pytest.raises(KeyError):
        run.step("three")


def test_a_step_is_settled_once_it_has_an_outcome() -> None:
    unsettled = {status for status in StepStatus if not status.settled}
    assert unsettled == {StepStatus.PENDING, StepStatus.RUNNING}
