from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.model.arguments import DAY_WORDS, argument_value

DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31))


@given(DAYS)
def test_words_of_days_count_from_the_day_the_run_is_for(day: date) -> None:
    said = {word: argument_value("DATE", word, day) for word in DAY_WORDS}
    assert said["TODAY"] == day
    assert said["MONTH_START"] <= day <= said["MONTH_END"]  # type: ignore[operator]
    assert (said["MONTH_END"] + timedelta(days=1)).day == said["MONTH_START"].day == 1  # type: ignore[operator,union-attr]
    assert (said["YEAR_START"], said["YEAR_END"]) == (date(day.year, 1, 1), date(day.year, 12, 31))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**28), max_value=10**28))
def test_exact_numbers_stay_exact(number: Decimal) -> None:
    assert argument_value("NUMERIC", str(number), date(2024, 1, 1)) == number


@pytest.mark.parametrize(
    ("kind", "written", "value"),
    [
        ("DATE", "2024-02-29", date(2024, 2, 29)),
        ("STRING", "TODAY", "TODAY"),
        ("INT64", "12", 12),
        ("INT64", -7, -7),
        ("FLOAT64", 0.5, 0.5),
        ("BOOL", "true", True),
        ("BOOL", False, False),
        ("TIMESTAMP", "2024-01-01T01:00:00+01:00", datetime(2024, 1, 1, tzinfo=UTC)),
    ],
)
def test_what_is_written_becomes_its_type(kind: Any, written: Any, value: Any) -> None:
    found = argument_value(kind, written, date(2024, 5, 5))
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("DATE", "29-02-2024"), ("DATE", "2023-02-29"), ("DATE", 20240101), ("DATE", "today"), ("STRING", 5),
        ("INT64", "1.5"), ("INT64", True), ("INT64", 2**63), ("INT64", 1.0), ("NUMERIC", "NaN"), ("NUMERIC", "1e-10"),
        ("NUMERIC", "x"), ("NUMERIC", True), ("NUMERIC", "1e29"), ("FLOAT64", "inf"), ("BOOL", 1), ("BOOL", "TRUE"),
        ("TIMESTAMP", "2024-01-01T01:00:00"), ("TIMESTAMP", "soon"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(kind: Any, written: Any) -> None:
    with pytest.raises(ValueError, match=r"must|is not"):
        argument_value(kind, written, date(2024, 5, 5))
