from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.effort import effort
from workers.model.schedule import Timing, next_due, parse_cron

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIELDS = st.sampled_from(
    ["*", "*/5", "0", "59", "60", "1-5", "5-1", "0-59/7", "mon", "1,31", "29", "2", "*/0", "9" * 5000]
)


def test_a_line_is_five_sets() -> None:
    cron = parse_cron("*/15 0,12 1-3 jan,JUN mon-fri")
    assert [sorted(values) for values in (cron.minutes, cron.hours, cron.days)] == [[0, 15, 30, 45], [0, 12], [1, 2, 3]]
    assert [sorted(values) for values in (cron.months, cron.weekdays)] == [[1, 6], [1, 2, 3, 4, 5]]
    assert (cron.any_day, cron.any_weekday) == (False, False)


def test_seven_is_sunday() -> None:
    assert parse_cron("0 0 * * 7").weekdays == {0}
    assert parse_cron("0 0 * * sun").weekdays == {0}


@pytest.mark.parametrize("line", ["0 0 29 2 *", "0 0 31 1,2 *", "0 0 31 2 1", "5/20 * * * *", "0 0 * * *"])
def test_a_line_that_fires_at_some_time_is_a_schedule(line: str) -> None:
    assert parse_cron(line).minutes


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("* * * *", "five fields, this one has 4"),
        ("* * * * * *", "five fields, this one has 6"),
        ("60 * * * *", "not in 0 to 59"),
        ("0 24 * * *", "not in 0 to 23"),
        ("0 0 0 * *", "not in 1 to 31"),
        ("0 0 * 13 *", "not in 1 to 12"),
        ("0 0 * * 8", "not in 0 to 7"),
        ("-1 * * * *", "not understood"),
        ("1, * * * *", "not understood"),
        ("@daily * * * *", "not understood"),
        ("\u0661 * * * *", "not understood"),
        ("5-1 * * * *", "not a range"),
        ("*/0 * * * *", "not a range"),
        ("*/99 * * * *", "not a range"),
        ("0 0 30 2 *", "never fires"),
        ("0 0 31 2,4,6,9,11 *", "never fires"),
    ],
)
def test_a_bad_line_says_what_is_wrong(line: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_cron(line)


@given(
    st.lists(FIELDS, min_size=4, max_size=6).map(" ".join)
    | st.text(alphabet="0159*/-,abJANmonSUN ?L#\n\t٣²", max_size=25),
    st.sampled_from(["UTC", "Europe/Berlin", "Mars/Olympus"]) | st.text(max_size=10),
)
@effort(100)
def test_any_text_is_a_line_that_comes_or_is_refused(line: str, zone: str) -> None:
    try:
        due = next_due(Timing.parse(line, zone), NOW)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - both outcomes are fine
    else:
        assert due is None or due > NOW
