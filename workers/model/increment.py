"""Reading on from where the last run ended: by days in bounded windows, or from the largest value seen. Pure.

Both read a little again (`lookback_days`), because rows come late; so what they write must bear being written again.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from attrs import frozen

from workers.model.conversion import converter
from workers.model.table import Column
from workers.model.window import DateWindow

DATE, TIMESTAMP, UNIX, UNIX_MS, INTEGER = "date", "timestamp", "unix", "unix_ms", "integer"
TYPES = (DATE, TIMESTAMP, UNIX, UNIX_MS, INTEGER)

_ONE_DAY = timedelta(days=1)


@frozen
class DaySpan:
    """Days to read: `window`, `until` where the bookmark moves to (None: it stays), and how many days are left over."""

    window: DateWindow
    until: date | None
    remaining: int = 0


def next_days(
    asked: DateWindow,
    reached: date | None,
    start: date | None,
    *,
    lookback_days: int = 0,
    max_days: int | None = None,
    again: bool = False,
) -> DaySpan:
    """Return what a run for the days `asked` reads, when all days before `reached` have been read.

    It goes on from there, or from `start` the first time, and reads at most `max_days` new days; days that were read
    already are read once more when they are asked for, or all of those asked for with `again`, and move nothing.
    """
    end = asked.last + _ONE_DAY
    if reached is not None and (again or end <= reached):
        return DaySpan(asked, None)
    begin = reached or start or asked.first
    if begin >= end:
        return DaySpan(asked, None)
    until = min(end, begin + timedelta(days=max_days)) if max_days else end
    again_from = begin - timedelta(days=lookback_days) if reached else begin
    first = min(again_from, asked.first) if reached and asked.first < begin else again_from
    return DaySpan(DateWindow(first, until - _ONE_DAY), until, (end - until).days)


def written(moment: datetime, kind: str) -> str:
    """Write an instant as an API wants it."""
    match kind:
        case "date":
            return moment.date().isoformat()
        case "unix":
            return str(int(moment.timestamp()))
        case "unix_ms":
            return str(int(moment.timestamp() * 1000))
        case _:
            return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"


def instant_of(day: date) -> datetime:
    """Return the first instant of a UTC day."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@frozen
class CursorKind:
    """Values of a row's cursor field: read, compared, kept and sent."""

    kind: str

    def read(self, value: Any) -> Any:
        """Return a value that compares; raises ValueError with words that continue «is …»."""
        if value is None:
            raise ValueError("has no value")
        column = Column("cursor", {DATE: "DATE", INTEGER: "INT64"}.get(self.kind, "TIMESTAMP"))
        return converter(column)(value)

    def kept(self, value: Any) -> str | int:
        """Return it as a bookmark holds it."""
        return value if isinstance(value, int) else str(value.isoformat())

    def found(self, kept: Any) -> Any:
        """Read it back."""
        return self.read(kept)

    def sent(self, value: Any, lookback_days: float) -> str:
        """Return what the API is asked for, so many days earlier."""
        if self.kind == INTEGER:
            return str(value)
        moment = value if isinstance(value, datetime) else instant_of(value)
        return written(moment - timedelta(days=lookback_days), self.kind)

    def bounded(self, value: Any, now: datetime) -> Any:
        """Keep a value that lies in the future from skipping what comes until then."""
        if self.kind == INTEGER:
            return value
        return min(value, now) if isinstance(value, datetime) else min(value, now.date())
