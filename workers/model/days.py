"""The days a run is for: how callers write a day, how a declaration does, and what holds when nobody says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta

from workers.model.window import DateWindow

FIRST_YEAR, LAST_YEAR = 2000, 2100

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", re.ASCII)
_WORD = re.compile(r"today(?:-(?P<back>[0-9]{1,4}))?\Z", re.ASCII)


class DaysError(ValueError):
    """Days that make no window; `parameter` is the one to mend, the text goes on after its name."""

    def __init__(self, parameter: str, what: str) -> None:
        super().__init__(what)
        self.parameter = parameter


def parse_day(text: str) -> date:
    """Read YYYY-MM-DD; raise ValueError for anything else, a day that does not exist, or a year out of bounds."""
    if not _DAY.match(text):
        raise ValueError("must be a day written YYYY-MM-DD")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError("is not a day of the calendar") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"must be in the years {FIRST_YEAR} to {LAST_YEAR}")
    return day


def declared_day(text: str, today: date) -> date:
    """Read a day as a YAML file may declare it: YYYY-MM-DD, today, today-N, yesterday or month_start."""
    if text == "yesterday":
        return today - timedelta(days=1)
    if text == "month_start":
        return today.replace(day=1)
    word = _WORD.match(text)
    return today - timedelta(days=int(word["back"] or 0)) if word else parse_day(text)


def choose_window(given: Mapping[str, date], default: Mapping[str, date], today: date) -> DateWindow:
    """Choose the days from `date`, `start_date` and `end_date` as given, then as declared, then yesterday.

    Raises DaysError when both spellings are given, or an end without a start, or an end before its start.
    """
    if "date" in given and ("start_date" in given or "end_date" in given):
        raise DaysError("date", "stands beside start_date or end_date; give the one or the others")
    wanted = dict(given) if "date" in given else {**_without_date(default, given), **given}
    if "date" in wanted:
        return DateWindow(wanted["date"], wanted["date"])
    yesterday = today - timedelta(days=1)
    if not wanted:
        return DateWindow(yesterday, yesterday)
    if "start_date" not in wanted:
        raise DaysError("end_date", "needs start_date")
    last = wanted.get("end_date", max(yesterday, wanted["start_date"]))
    if last < wanted["start_date"]:
        raise _reversed(given, wanted["start_date"], last)
    return DateWindow(wanted["start_date"], last)


def _reversed(given: Mapping[str, date], first: date, last: date) -> DaysError:
    """Blame what was given, not what was declared."""
    if "end_date" in given or "start_date" not in given:
        return DaysError("end_date", f"is before start_date, {first}")
    return DaysError("start_date", f"is after end_date, {last}")


def _without_date(default: Mapping[str, date], given: Mapping[str, date]) -> Mapping[str, date]:
    return {name: day for name, day in default.items() if not (given and name == "date")}
