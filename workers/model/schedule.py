"""Cron lines: five fields, as values. A line that can never fire is not a schedule."""

from __future__ import annotations

import re

from attrs import frozen

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
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
