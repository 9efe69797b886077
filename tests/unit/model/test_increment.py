from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from workers.model.increment import next_days
from workers.model.window import DateWindow

FIRST = date(2025, 1, 1)
steps = st.lists(st.integers(0, 40), min_size=1, max_size=12)


@given(steps=steps, most=st.integers(1, 30) | st.none(), back=st.integers(0, 10))
def test_runs_one_after_another_leave_no_day_out_and_read_no_more_than_allowed(
    steps: list[int], most: int | None, back: int
) -> None:
    read: set[date] = set()
    reached: date | None = None
    newest = FIRST
    for step in steps:
        newest += timedelta(days=step)
        span = next_days(DateWindow(newest, newest), reached, FIRST, lookback_days=back, max_days=most)
        read |= set(span.window)
        assert most is None or len(span.window) <= most + back
        reached = span.until or reached
        assert reached is not None
        assert set(DateWindow(FIRST, reached - timedelta(days=1))) <= read
        assert span.until is None or span.remaining == (newest + timedelta(days=1) - span.until).days


@given(asked=st.integers(-40, 40), reached=st.integers(1, 40))
def test_asking_for_days_that_were_read_moves_nothing(asked: int, reached: int) -> None:
    window = DateWindow(FIRST + timedelta(days=asked), FIRST + timedelta(days=asked + 3))
    until = FIRST + timedelta(days=reached)
    span = next_days(window, until, FIRST)
    assert (span.until is None) is (window.last < until)
    assert span.window.last == window.last
