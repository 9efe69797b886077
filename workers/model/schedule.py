"""Cron lines: five fields, as values, and the instants at which they are due in a zone.

A line is due when the wall clock of its zone first reaches a time that it names. So a time that the clock leaps over
is due once, at the end of the leap, and a time that the clock shows twice is due once, the first time.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import frozen

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# A 29 February that is a Sunday comes back after 28 years, and after 40 across a century without a leap year.
_LONGEST_WAIT_YEARS = 41
_LAST_DAY = date(9999, 12, 30)
_SECOND = timedelta(seconds=1)
# What a system keeps beside the zones: its own time, which another replica does not share, and clocks of another kind.
_NO_ZONE = re.compile(r"(?:localtime|posixrules|Factory|(?:posix|right|SystemV)/.*)\Z", re.DOTALL)
_PART = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>[0-9]+))?\Z", re.ASCII)


@frozen
class Cron:
    """When a line fires; `weekdays` count from Sunday, 0. Both kinds of day restricted means either is enough."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool


@frozen
class Timing:
    """A cron line in a zone."""

    cron: Cron
    zone: ZoneInfo

    @classmethod
    def parse(cls, line: str, timezone: str) -> Timing:
        """Read both; raise ValueError naming what is wrong."""
        return cls(parse_cron(line), parse_zone(timezone))


def cron_line(kind: str, time: str = "00:00", day_of_month: int | None = None) -> str:
    """Return the cron line of `daily` or `monthly` at HH:MM, monthly on the first unless another day is named."""
    if kind == "daily" and day_of_month is not None:
        raise ValueError("a daily schedule has no day_of_month")
    hour, minute = (int(part) for part in time.split(":"))
    return f"{minute} {hour} {day_of_month or 1 if kind == 'monthly' else '*'} * *"


def parse_zone(name: str) -> ZoneInfo:
    """Return an IANA zone; raise ValueError when there is none of that name."""
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zone = None
    if zone is None or _NO_ZONE.match(name):
        raise ValueError(f"there is no time zone {name[:60]!r}")
    return zone


def next_due(timing: Timing, after: datetime) -> datetime | None:
    """Return the first instant past `after` at which it is due, UTC; None when that is more than 40 years away."""
    return next(due_times(timing, after), None)


def due_times(timing: Timing, after: datetime) -> Iterator[datetime]:
    """Yield the instants past `after` at which it is due, UTC, in order; ends where there is none for 40 years."""
    last = after
    for wall in _walls(timing.cron, after.astimezone(timing.zone).replace(tzinfo=None, second=0, microsecond=0)):
        reached = _reached(wall, timing.zone)
        if reached > last:
            last = reached
            yield reached


def _walls(cron: Cron, start: datetime) -> Iterator[datetime]:
    """Yield what the clock shows when the line is due, from `start` on, as if no clock were ever changed."""
    times = [(hour, minute) for hour in sorted(cron.hours) for minute in sorted(cron.minutes)]
    for day in _days(cron, start.date()):
        walls = (datetime(day.year, day.month, day.day, hour, minute) for hour, minute in times)  # noqa: DTZ001 - a wall's
        yield from (wall for wall in walls if wall >= start)


def _days(cron: Cron, first: date) -> Iterator[date]:
    """Yield the days that the line names; where decades lie between them, only days that may be one are looked at."""
    both = cron.any_day or cron.any_weekday
    numbers = sorted(cron.days) if both else range(1, 32)
    year, quiet_until = first.year, first.year + _LONGEST_WAIT_YEARS
    while year <= min(quiet_until, _LAST_DAY.year):
        months = ((month, monthrange(year, month)[1]) for month in sorted(cron.months))
        days = (date(year, month, number) for month, last in months for number in numbers if number <= last)
        for day in days:
            by_day, by_weekday = day.day in cron.days, day.isoweekday() % 7 in cron.weekdays
            named = (by_day and by_weekday) if both else (by_day or by_weekday)
            if named and first <= day <= _LAST_DAY:
                quiet_until = year + _LONGEST_WAIT_YEARS
                yield day
        year += 1


def _reached(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return when the clock of the zone first shows that time or, leaping over it, a later one."""
    first = wall.replace(tzinfo=zone).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        return first
    # Of a time that is leapt over, fold 1 counts from the clock after the leap, which puts it before the leap.
    before, after = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), first
    while after - before > _SECOND:
        between = before + (after - before) // (2 * _SECOND) * _SECOND
        if between.astimezone(zone).utcoffset() == before.astimezone(zone).utcoffset():
            before = between
        else:
            after = between
    return after


def parse_cron(line: str) -> Cron:
    """Read `minute hour day month weekday`; raise ValueError naming the field, or when the line never fires."""
    fields = line.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(f"a cron line has five fields, this one has {len(fields)}")
    minutes, hours, days, months, weekdays = (
        _values(text, *field) for text, field in zip(fields, _FIELDS, strict=True)
    )
    any_day, any_weekday = fields[2].startswith("*"), fields[4].startswith("*")
    if any_weekday and all(min(days) > _LONGEST_MONTHS[month - 1] for month in months):
        raise ValueError("never fires: none of its months has such a day")
    return Cron(minutes, hours, days, months, frozenset(day % 7 for day in weekdays), any_day, any_weekday)


_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("weekday", 0, 7, _WEEKDAYS),
)


def _values(text: str, name: str, low: int, high: int, words: tuple[str, ...]) -> frozenset[int]:
    values: set[int] = set()
    for part in text.lower().split(","):
        match = _PART.match(part)
        if match is None:
            raise ValueError(f"the {name} field {text!r} is not understood")
        first = _number(match["first"], name, low, high, words) if match["first"] else low
        last = _number(match["last"], name, low, high, words) if match["last"] else _open_end(match, first, high)
        step = int(match["step"] or 1)
        if first > last or not 1 <= step <= high:
            raise ValueError(f"the {name} field {text!r} is not a range")
        values.update(range(first, last + 1, step))
    return frozenset(values)


def _open_end(match: re.Match[str], first: int, high: int) -> int:
    return first if match["first"] and not match["step"] else high


def _number(text: str, name: str, low: int, high: int, words: tuple[str, ...]) -> int:
    number = low + words.index(text) if text in words else int(text) if text.isdigit() else -1
    if not low <= number <= high:
        raise ValueError(f"the {name} field has {text!r}, which is not in {low} to {high}")
    return number
