from __future__ import annotations

import pytest

from workers.model.schedule import parse_cron


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
