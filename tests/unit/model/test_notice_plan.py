from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from workers.model.failure import Code, Reason
from workers.model.notice import Channel, Event, Notice, Pause, Terms
from workers.model.notice_plan import MOST_HELD, Occasion, Told, asked, during, ending, events_of, summary, tell
from workers.model.quality import OUTPUT, Audited, Finding
from workers.model.run import Run, RunError, RunStatus, StepRun, StepStatus

NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)
DONE, FAILED = RunStatus.COMPLETED, RunStatus.FAILED
ALL = Terms(enabled=True, events=frozenset(Event), cooldown_minutes=60, to=("ops@acme.example",), subject_prefix="[dp]")
NONE: frozenset[str] = frozenset()


def run(status: RunStatus = FAILED, reason: Reason | None = Reason.PROVIDER_AUTH, **more: Any) -> Run:
    error = RunError(Code.INTERNAL, reason, "why", "extract") if reason and status is not DONE else None
    made = Run(UUID(int=7), "acme", "p", "d", "n", "acme-p-d-n", "hash", status, NOON, date(2025, 6, 14))
    return evolve(made, error=error, start_time=NOON, end_time=NOON + timedelta(seconds=90), **more)


def occasion(of: Run, failures: int = 0) -> Occasion:
    told, _ = ending(of, NONE, failures)
    assert told is not None
    return told


def told(of: Occasion, terms: Terms = ALL, pause: Pause | None = None, now: datetime = NOON) -> Told:
    return tell(of, Channel.EMAIL, terms, pause, now)


@pytest.mark.parametrize(
    ("status", "reason", "first"),
    [
        (RunStatus.FAILED, Reason.PROVIDER_AUTH, Event.PIPELINE_FAILURE),
        (RunStatus.TIMEOUT, Reason.RUN_TIMEOUT, Event.PIPELINE_FAILURE),
        (RunStatus.FAILED, Reason.PROVIDER_RATE_LIMIT, Event.RATE_LIMIT_EXCEEDED),
        (RunStatus.FAILED, Reason.DATA_QUALITY_FAILED, Event.DATA_QUALITY_FAILURE),
        (RunStatus.QUARANTINED, Reason.PROCESS_CRASHED, Event.SYSTEM_ERROR),
        (RunStatus.COMPLETED, None, Event.PIPELINE_SUCCESS),
    ],
)
def test_an_end_is_told_by_its_most_precise_event(status: RunStatus, reason: Reason | None, first: Event) -> None:
    assert events_of(run(status, reason), NONE)[0] is first


def test_a_cancelled_run_is_no_event_and_breaks_no_streak() -> None:
    assert ending(run(RunStatus.CANCELLED, Reason.CANCELLED), NONE, 3) == (None, 3)


def test_a_step_that_failed_with_alert_makes_a_warning_of_a_completed_run() -> None:
    broken = (StepRun("a", "x.y", StepStatus.FAILED), StepRun("b", "x.y", StepStatus.FAILED))
    assert events_of(run(DONE, steps=broken), frozenset({"b"})) == (Event.PIPELINE_WARNING, Event.PIPELINE_SUCCESS)
    assert events_of(run(DONE, steps=broken), NONE) == (Event.PIPELINE_SUCCESS,)


@pytest.mark.parametrize(("failing", "warns"), [(0, False), (2, True)])
def test_rows_that_are_not_all_as_expected_make_a_warning_of_a_completed_run(failing: int, warns: bool) -> None:
    audited = Audited("t", (Finding("whole", "not_null", "warning", failing),))
    done = run(DONE, steps=(StepRun("a", "x.y", StepStatus.COMPLETED, output={OUTPUT: [audited.shown()]}),))
    assert (Event.PIPELINE_WARNING in events_of(done, NONE)) is warns


@given(st.lists(st.sampled_from([DONE, FAILED, RunStatus.TIMEOUT, RunStatus.CANCELLED])))
def test_of_every_row_of_failures_the_first_the_second_and_the_recovery_are_told(ends: list[RunStatus]) -> None:
    failures, row = 0, 0
    for status in ends:
        said, failures = ending(run(status), NONE, failures)
        if status in {FAILED, RunStatus.TIMEOUT}:
            row += 1
            assert (said is not None) is (row <= 2)
            assert said is None or ("still failing" in said.said) is (row == 2)
        elif status is DONE:
            assert said is not None
            assert ("recovered" in said.said) is bool(row)
            row = 0
        assert failures == row


def test_who_hears_of_failures_hears_of_the_recovery_too_and_at_once() -> None:
    terms = evolve(ALL, events=frozenset({Event.PIPELINE_FAILURE}))
    assert told(occasion(run(DONE))).letter is not None
    assert told(occasion(run(DONE)), terms).letter is None
    paused = Pause(NOON + timedelta(hours=1), held=("x",))
    back = told(occasion(run(DONE), failures=1), terms, paused)
    assert back.letter is not None
    assert back.pause == paused


def test_an_event_that_a_channel_does_not_tell_gives_nothing() -> None:
    failed = occasion(run())
    for terms in (evolve(ALL, enabled=False), evolve(ALL, events=frozenset()), evolve(ALL, to=())):
        assert told(failed, terms) == Told(None, None)
    assert tell(failed, Channel.SLACK, evolve(ALL, to=()), None, NOON).letter is not None


@given(st.integers(1, 3 * MOST_HELD))
def test_nothing_a_pause_holds_back_is_lost(count: int) -> None:
    pause = told(occasion(run())).pause
    for _ in range(count):
        held = told(occasion(run()), pause=pause, now=NOON + timedelta(minutes=59))
        assert held.letter is None
        pause = held.pause
    assert pause is not None
    assert len(pause.held) + pause.more == count
    letter = summary("acme", Channel.EMAIL, Event.PIPELINE_FAILURE, pause)
    assert letter.to == ALL.to
    assert letter.subject == f"[dp] acme: {count} more: pipeline failure"
    assert (f"and {pause.more} more" in letter.text) is (pause.more > 0)


def test_after_a_pause_the_next_one_says_what_was_held_back() -> None:
    after = told(occasion(run()), pause=Pause(NOON, held=("acme-p-d-n failed before",)))
    assert after.letter is not None
    assert "acme-p-d-n failed before" in after.letter.text
    assert after.pause == Pause(NOON + timedelta(minutes=60), ALL.to, (), "[dp]")


def test_a_letter_says_what_the_run_says_and_nothing_like_a_key() -> None:
    error = RunError(Code.INTERNAL, Reason.PROVIDER_AUTH, "refused sk-admin-0123456789abcdefghij", "extract")
    letter = told(occasion(evolve(run(), error=error))).letter
    assert letter is not None
    assert letter.subject == "[dp] acme-p-d-n failed"
    assert "Duration:     90 s" in letter.text
    assert "Reason:       PROVIDER_AUTH" in letter.text
    assert "0123456789abcdefghij" not in letter.text


def test_names_with_line_breaks_make_no_second_line_of_a_subject() -> None:
    evil = evolve(run(), org_slug="a\r\nBcc: x@y.example", pipeline_id="p\r\n\r\nBcc: x@y.example")
    letter = told(occasion(evil)).letter
    assert letter is not None
    assert letter.subject.splitlines() == [letter.subject]
    assert "\nBcc:" not in letter.text


def test_what_a_step_asks_for_goes_to_whom_it_names_and_names_facts_only() -> None:
    notice = Notice(Channel.EMAIL, "{status} of {org_slug} {nothing}", "{error}", ("boss@acme.example",))
    letter = asked(run(), "notify", notice, ALL)
    assert letter is not None
    assert (letter.subject, letter.text) == ("[dp] FAILED of acme {nothing}", "why")
    assert (letter.to, letter.cc) == (("boss@acme.example",), ())
    assert asked(run(), "notify", notice, evolve(ALL, enabled=False)) is None
    usual = asked(run(), "notify", Notice(Channel.EMAIL), ALL)
    assert usual is not None
    assert (usual.to, usual.subject) == (("ops@acme.example",), "[dp] acme-p-d-n ended FAILED")


def test_every_letter_of_a_run_has_a_key_of_its_own() -> None:
    keys = {
        letter.key
        for letter in (
            told(occasion(run())).letter,
            told(during(run(), Event.RATE_LIMIT_EXCEEDED, "later", 1)).letter,
            told(during(run(), Event.PIPELINE_STARTED, "", 2)).letter,
            told(during(run(), Event.RATE_LIMIT_EXCEEDED, "later", 3)).letter,
            asked(run(), "notify", Notice(Channel.EMAIL), ALL),
            asked(run(), "ended", Notice(Channel.EMAIL), ALL),
            tell(occasion(run()), Channel.SLACK, ALL, None, NOON).letter,
        )
        if letter is not None
    }
    assert len(keys) == 7
