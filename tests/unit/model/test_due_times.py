"""When a cron line is due, against an oracle that watches the clock of the zone minute by minute."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from itertools import islice, takewhile
from pathlib import Path
from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workers.model.schedule import Timing, due_times, next_due, parse_zone

TABLE = Path(__file__).parents[3] / "docs" / "SCHEDULES.md"
ROWS = [
    tuple(cell.strip(" `") for cell in line.strip("|").split("|"))
    for line in TABLE.read_text().splitlines()
    if re.match(r"\| [A-Z]\w+(/\w+)? \| `", line)
]
MINUTE = timedelta(minutes=1)
MINUTES = st.sampled_from(["*", "0", "30", "*/20", "7,52", "59", "15-45/10"])
HOURS = st.sampled_from(["*", "0", "1", "2", "3", "*/2", "1-3", "23"])
DAYS = st.sampled_from(["*", "1", "29", "31", "*/2"])
MONTHS = st.sampled_from(["*", "3", "10", "mar,apr,oct,nov"])
WEEKDAYS = st.sampled_from(["*", "sun", "1-5", "*/3"])
LINES = st.tuples(MINUTES, HOURS, DAYS, MONTHS, WEEKDAYS).map(" ".join)
# Each starts the day before the clock of its zone is changed.
CHANGES = [
    ("UTC", date(2026, 3, 28)),
    ("Europe/Berlin", date(2026, 3, 28)),
    ("Europe/Berlin", date(2026, 10, 24)),
    ("America/New_York", date(2026, 3, 7)),
    ("America/New_York", date(2026, 10, 31)),
    ("Australia/Lord_Howe", date(2026, 10, 3)),
    ("Australia/Lord_Howe", date(2026, 4, 4)),
    ("Asia/Beirut", date(2026, 3, 28)),
    ("America/Havana", date(2026, 10, 31)),
    ("Pacific/Apia", date(2011, 12, 29)),
]


def watched(timing: Timing, after: datetime, until: datetime) -> list[datetime]:
    """Walk the clock: due is every minute at which it first reaches, or leaps over, a time that the line names."""
    found = []
    # What the clock has shown before `after`, where it was set back, it does not reach again.
    start = after - timedelta(hours=3)
    reached = start.astimezone(timing.zone).replace(tzinfo=None)
    for minutes in range(1, int((until - start) / MINUTE) + 1):
        at = start + minutes * MINUTE
        shown = at.astimezone(timing.zone).replace(tzinfo=None)
        passed = (shown - n * MINUTE for n in range(max(0, int((shown - reached) / MINUTE))))
        if any(named(timing, wall) for wall in passed) and at > after:
            found.append(at)
        reached = max(reached, shown)
    return found


def named(timing: Timing, wall: datetime) -> bool:
    cron = timing.cron
    day, weekday = wall.day in cron.days, wall.isoweekday() % 7 in cron.weekdays
    on = day and weekday if cron.any_day or cron.any_weekday else day or weekday
    return on and wall.month in cron.months and wall.hour in cron.hours and wall.minute in cron.minutes


@pytest.mark.fault("F14")
@given(line=LINES, change=st.sampled_from(CHANGES), hours=st.integers(0, 30), minutes=st.integers(0, 59))
@example(line="30 2 * * *", change=CHANGES[2], hours=24, minutes=40)
def test_due_is_what_a_watcher_of_the_clock_would_say(
    line: str, change: tuple[str, date], hours: int, minutes: int
) -> None:
    zone, day = change
    timing = Timing.parse(line, zone)
    after = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hours, minutes=minutes)
    until = after + timedelta(hours=30)
    assert list(takewhile(lambda at: at <= until, due_times(timing, after))) == watched(timing, after, until)


@pytest.mark.fault("F14")
@pytest.mark.parametrize(("zone", "line", "day", "_what", "due"), ROWS, ids=[" ".join(row[:3]) for row in ROWS])
def test_the_published_table_of_changed_clocks_holds(zone: str, line: str, day: str, _what: str, due: str) -> None:
    timing = Timing.parse(line, zone)
    midnight = datetime.fromisoformat(day).replace(tzinfo=timing.zone)
    tomorrow = (midnight + timedelta(days=1)).astimezone(UTC)
    found = takewhile(lambda at: at < tomorrow, due_times(timing, midnight.astimezone(UTC) - MINUTE))
    assert [f"{at:%H:%M}" for at in found] == due.split(", ")


def test_the_table_is_there() -> None:
    assert len(ROWS) == 12


@pytest.mark.fault("F14")
def test_a_leap_day_is_waited_for_across_a_century() -> None:
    timing = Timing.parse("0 0 29 2 *", "UTC")
    assert next_due(timing, datetime(2096, 3, 1, tzinfo=UTC)) == datetime(2104, 2, 29, tzinfo=UTC)


@pytest.mark.fault("F14")
def test_a_leap_day_on_a_sunday_is_waited_for_forty_years() -> None:
    timing = Timing.parse("0 0 29 2 */7", "UTC")
    assert next_due(timing, datetime(2088, 3, 1, tzinfo=UTC)) == datetime(2128, 2, 29, tzinfo=UTC)


def test_what_is_centuries_away_is_found_without_a_look_at_every_day() -> None:
    began = process_time()
    *_, last = islice(due_times(Timing.parse("0 0 29 2 */7", "UTC"), datetime(2026, 1, 1, tzinfo=UTC)), 100)
    assert last == datetime(5080, 2, 29, tzinfo=UTC)
    assert process_time() - began < 0.5


def test_nothing_is_due_past_the_end_of_the_calendar() -> None:
    assert next_due(Timing.parse("0 0 1 1 *", "UTC"), datetime(9999, 6, 1, tzinfo=UTC)) is None


@given(line=LINES)
def test_each_time_is_past_the_one_before(line: str) -> None:
    times = list(islice(due_times(Timing.parse(line, "Europe/Berlin"), datetime(2026, 10, 25, 0, 40, tzinfo=UTC)), 50))
    assert times == sorted(set(times))


@pytest.mark.parametrize(
    "name",
    ["", "Mars/Olympus", "../../etc/passwd", "Europe", "\0", "europe/berlin ", "localtime", "posixrules", "right/UTC"],
)
def test_a_zone_that_is_none_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match="there is no time zone"):
        parse_zone(name)
