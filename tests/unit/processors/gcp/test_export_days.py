"""Which days are read: changed ones in reach, joined to spans."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.model.window import DateWindow
from workers.processors.gcp.export_days import Day, caught_up, changed, days_of, in_view, reach, spans

TODAY = date(2025, 6, 15)
YESTERDAY = TODAY - timedelta(days=1)
NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)
LATER = NOON + timedelta(microseconds=1)

some_days = st.dictionaries(
    st.dates(date(2025, 1, 1), date(2025, 3, 1)),
    st.builds(Day, st.sampled_from((NOON, LATER)), st.integers(1, 9)),
)


def row(day: date | None, until: datetime | None = NOON, rows: int = 1) -> dict[str, object]:
    return {"day": day, "exported_until": until, "row_count": rows}


def test_tables_are_added_up_by_day() -> None:
    assert days_of([row(TODAY)], [row(TODAY, LATER, 2), row(None)]) == {TODAY: Day(LATER, 3)}


def test_a_current_run_looks_back_and_reaches_today() -> None:
    assert reach(DateWindow(YESTERDAY, YESTERDAY), 10, TODAY) == DateWindow(date(2025, 6, 5), TODAY)


def test_a_run_for_an_old_day_reaches_what_came_late_for_it() -> None:
    old = date(2025, 4, 1)
    assert reach(DateWindow(old, old), 10, TODAY) == DateWindow(old, date(2025, 4, 11))


@pytest.mark.parametrize("newest", [date(2025, 4, 20), date(2025, 6, 10)])
def test_a_current_run_begins_where_an_outage_began(newest: date) -> None:
    window = DateWindow(YESTERDAY, YESTERDAY)
    near = reach(window, 10, TODAY)
    kept = {newest: Day(NOON, 1), date(2025, 4, 2): Day(NOON, 1)}
    assert newest in in_view(near, window, TODAY)
    assert caught_up(near, window, kept, TODAY).first == min(newest, date(2025, 6, 5))


def test_a_run_for_an_old_day_catches_up_with_nothing() -> None:
    window = DateWindow(date(2025, 5, 1), date(2025, 5, 1))
    near = reach(window, 1, TODAY)
    assert in_view(near, window, TODAY) == caught_up(near, window, {date(2025, 4, 1): Day(NOON, 1)}, TODAY) == near


@given(some_days, some_days)
def test_days_are_read_unless_time_and_rows_are_those_kept(exported: dict[date, Day], kept: dict[date, Day]) -> None:
    again = changed(exported, kept)
    assert all(kept.get(day) != exported[day] for day in again)
    assert all(kept[day] == exported[day] for day in exported.keys() - set(again))


@given(some_days, st.integers(1, 20))
def test_spans_hold_each_day_once_and_no_day_that_is_not_meant(exported: dict[date, Day], most: int) -> None:
    joined = spans(sorted(exported), exported, most)
    assert [day for span in joined for day in span.window] == sorted(exported)
    assert all(span.rows == sum(exported[day].rows for day in span.window) for span in joined)
    assert all(span.rows <= most or len(span.window) == 1 for span in joined)
