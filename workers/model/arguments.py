"""Arguments of a stored procedure: from what a pipeline's file says to values of BigQuery's types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Literal

from workers.model.days import parse_day
from workers.model.resolve import Scalar

ArgumentType = Literal["STRING", "DATE", "TIMESTAMP", "INT64", "NUMERIC", "FLOAT64", "BOOL"]
Value = str | date | datetime | int | Decimal | float | bool

_LARGEST_INT = 2**63
_NUMERIC_PLACES, _NUMERIC_DIGITS = 9, 29


def argument_value(kind: ArgumentType, written: Scalar, run_date: date) -> Value:
    """Return what is written in the type; raise ValueError saying what it must be.

    A DATE may be one of DAY_WORDS, which count from the day the run is for: a run that comes late or again means the
    same days.
    """
    return _READERS[kind](written, run_date)


def _day(written: Scalar, run_date: date) -> date:
    word = DAY_WORDS.get(written) if isinstance(written, str) else None
    return word(run_date) if word else parse_day(_text(written, run_date))


def _text(written: Scalar, _run_date: date) -> str:
    if not isinstance(written, str):
        raise ValueError("must be a text")  # noqa: TRY004 - one kind of error for every mismatch
    return written


def _moment(written: Scalar, run_date: date) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(written, run_date))
    except ValueError:
        raise ValueError("must be a time written as in ISO 8601") from None
    if moment.tzinfo is None:
        raise ValueError("must name its time zone")
    return moment.astimezone(UTC)


def _whole(written: Scalar, _run_date: date) -> int:
    try:
        number = int(written) if isinstance(written, str) else written
    except ValueError:
        raise ValueError("must be a whole number") from None
    if isinstance(number, bool) or not isinstance(number, int) or not -_LARGEST_INT <= number < _LARGEST_INT:
        raise ValueError("must be a whole number of 64 bits")
    return number


def _numeric(written: Scalar, _run_date: date) -> Decimal:
    try:
        number = Decimal(str(written)) if not isinstance(written, bool) else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or -exponent > _NUMERIC_PLACES or number.adjusted() >= _NUMERIC_DIGITS:
        raise ValueError("must be a decimal number of at most 29 digits before and 9 after the point")
    return number


def _float(written: Scalar, run_date: date) -> float:
    return float(_numeric(written, run_date))


def _truth(written: Scalar, _run_date: date) -> bool:
    if written in ("true", "false"):
        return written == "true"
    if not isinstance(written, bool):
        raise ValueError("must be true or false")  # noqa: TRY004 - one kind of error for every mismatch
    return written


def _month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


DAY_WORDS: Mapping[str, Callable[[date], date]] = {
    "TODAY": lambda day: day,
    "MONTH_START": lambda day: day.replace(day=1),
    "MONTH_END": _month_end,
    "YEAR_START": lambda day: day.replace(month=1, day=1),
    "YEAR_END": lambda day: day.replace(month=12, day=31),
}
_READERS: Mapping[str, Callable[[Scalar, date], Value]] = {
    "STRING": _text,
    "DATE": _day,
    "TIMESTAMP": _moment,
    "INT64": _whole,
    "NUMERIC": _numeric,
    "FLOAT64": _float,
    "BOOL": _truth,
}
