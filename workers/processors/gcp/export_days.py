"""Which days of an export are read: those whose rows are not what is kept of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from attrs import frozen

from workers.model.window import DateWindow
from workers.ports import Row

CATCH_UP_DAYS = 92


@frozen
class Day:
    """What stands of a day: how far the export had come, and how many rows there are."""

    exported_until: datetime | None
    rows: int


Days = Mapping[date, Day]


@frozen
class Span:
    """Days that are read and published together."""

    window: DateWindow
    rows: int


def days_of(*answers: Iterable[Row]) -> Days:
    """Add up what tables hold of each day; a day that is none (a partition not settled yet) is left out."""
    found: dict[date, Day] = {}
    for row in (row for answer in answers for row in answer if row["day"] is not None):
        before = found.get(row["day"], Day(None, 0))
        until = max(filter(None, (before.exported_until, row["exported_until"])), default=None)
        found[row["day"]] = Day(until, before.rows + int(row["row_count"]))
    return found


def reach(window: DateWindow, look_back_days: int, today: date) -> DateWindow:
    """Return the days that may have to do with a run.

    The usage of a day is exported on it and on days after it; `look_back_days` says how long. A run that reaches
    yesterday looks back as long over what came before it.
    """
    last = min(today, window.last + timedelta(days=look_back_days))
    first = window.first
    if is_current(window, today):
        first = min(first, today - timedelta(days=look_back_days))
    return DateWindow(first, max(first, last))


def in_view(near: DateWindow, window: DateWindow, today: date) -> DateWindow:
    """Return the days of which is to be known what is kept: of a current run those that an outage may have left."""
    if not is_current(window, today):
        return near
    return DateWindow(min(near.first, today - timedelta(days=CATCH_UP_DAYS)), near.last)


def caught_up(near: DateWindow, window: DateWindow, kept: Days, today: date) -> DateWindow:
    """Let a current run begin where an outage began: at the last day that is kept."""
    if not kept or not is_current(window, today):
        return near
    return DateWindow(min(near.first, max(kept)), near.last)


def is_current(window: DateWindow, today: date) -> bool:
    """Whether a run is for the newest complete day, or a later one."""
    return window.last >= today - timedelta(days=1)


def changed(exported: Days, kept: Days) -> list[date]:
    """Return the days whose rows are others than those kept; what is not exported any more stays kept."""
    return sorted(day for day, stands in exported.items() if kept.get(day) != stands)


def spans(days: Iterable[date], exported: Days, most_rows: int) -> list[Span]:
    """Join days that follow one another, up to a number of rows unless one day has more."""
    joined: list[Span] = []
    for day in days:
        rows = exported[day].rows
        last = joined[-1] if joined else None
        if last and last.window.last + timedelta(days=1) == day and last.rows + rows <= most_rows:
            joined[-1] = Span(DateWindow(last.window.first, day), last.rows + rows)
        else:
            joined.append(Span(DateWindow(day, day), rows))
    return joined
