from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.model.conversion import converter
from workers.model.table import Column

MOMENT = datetime(2025, 6, 1, 10, 30, tzinfo=UTC)
SECONDS = 1748773800


def convert(kind: str, value: Any, mode: str = "NULLABLE") -> Any:
    return converter(Column("c", kind, mode))(value)


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        ("STRING", "x", "x"),
        ("STRING", 12, "12"),
        ("STRING", Decimal("1.50"), "1.50"),
        ("STRING", True, "true"),
        ("INT64", "-12", -12),
        ("INT64", Decimal("5.0"), 5),
        ("NUMERIC", "1e-7", Decimal("1e-7")),
        ("NUMERIC", 3, Decimal(3)),
        ("FLOAT64", "0.5", Decimal("0.5")),
        ("BOOL", "TRUE", True),
        ("DATE", "2025-06-01", date(2025, 6, 1)),
        ("TIMESTAMP", "2025-06-01T12:30:00+02:00", MOMENT),
        ("TIMESTAMP", "2025-06-01T10:30:00Z", MOMENT),
        ("TIMESTAMP", "2025-06-01 10:30:00", MOMENT),
        ("TIMESTAMP", "2025-06-01T10:30:00.123456789Z", MOMENT.replace(microsecond=123456)),
        ("TIMESTAMP", SECONDS, MOMENT),
        ("TIMESTAMP", str(SECONDS), MOMENT),
        ("TIMESTAMP", "1712010112345", datetime(2024, 4, 1, 22, 21, 52, 345000, tzinfo=UTC)),
        ("TIMESTAMP", SECONDS * 10**3, MOMENT),
        ("TIMESTAMP", SECONDS * 10**6, MOMENT),
        ("TIMESTAMP", SECONDS * 10**9, MOMENT),
        ("TIMESTAMP", Decimal(f"{SECONDS}.25"), MOMENT.replace(microsecond=250000)),
        ("DATETIME", "2025-06-01T10:30:00", MOMENT.replace(tzinfo=None)),
        ("TIME", "10:30:00", time(10, 30)),
        ("BYTES", "AAE=", b"\x00\x01"),
        ("JSON", {"a": [1]}, {"a": [1]}),
        ("JSON", 'a"b', '"a\\"b"'),
    ],
)
def test_a_value_becomes_what_its_column_holds(kind: str, value: Any, found: Any) -> None:
    assert convert(kind, value) == found
    assert type(convert(kind, value)) is type(found)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("STRING", {}),
        ("STRING", []),
        ("INT64", Decimal("1.5")),
        ("INT64", True),
        ("INT64", "1.0"),
        ("INT64", " 1"),
        ("INT64", "\u0661"),
        ("NUMERIC", "NaN"),
        ("NUMERIC", False),
        ("NUMERIC", "1,5"),
        ("BOOL", 1),
        ("BOOL", "yes"),
        ("DATE", "2025-02-30"),
        ("DATE", "20250601"),
        ("DATE", "2025-06-01T00:00:00Z"),
        ("TIMESTAMP", "yesterday"),
        ("TIMESTAMP", "10000-01-01T00:00:00Z"),
        ("TIMESTAMP", 10**30),
        ("TIMESTAMP", True),
        ("DATETIME", "2025-06-01T10:30:00Z"),
        ("DATETIME", "1712010112345"),
        ("TIMESTAMP", "20250601"),
        ("TIME", "25:00"),
        ("BYTES", "*"),
    ],
)
def test_what_a_column_cannot_hold_exactly_is_refused_without_being_shown(kind: str, value: Any) -> None:
    with pytest.raises(ValueError, match=r"^is (a|true)") as raised:
        convert(kind, value)
    assert str(value) not in str(raised.value) or value in ({}, [], True, False, 1)


@pytest.mark.parametrize("kind", ["STRING", "INT64", "NUMERIC", "DATE", "TIMESTAMP", "JSON", "BOOL", "BYTES"])
def test_null_is_null_and_an_empty_list_where_it_repeats(kind: str) -> None:
    assert convert(kind, None) is None
    assert convert(kind, None, "REPEATED") == []


def test_a_repeated_column_takes_a_list_only() -> None:
    assert convert("INT64", ["1", 2], "REPEATED") == [1, 2]
    with pytest.raises(ValueError, match="is a text, not a list"):
        convert("INT64", "1", "REPEATED")


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**20), max_value=10**20))
def test_a_decimal_keeps_every_digit_from_text(number: Decimal) -> None:
    assert convert("NUMERIC", f"{number:f}") == number


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(5000, 1, 1)))  # noqa: DTZ001 - made aware below
def test_an_instant_survives_in_every_unit(naive: datetime) -> None:
    moment = naive.replace(tzinfo=UTC, microsecond=0)
    seconds = int(moment.timestamp())
    if seconds < 10**9:
        seconds += 10**9  # before 2001 milliseconds look like seconds
        moment = datetime.fromtimestamp(seconds, UTC)
    assert {convert("TIMESTAMP", seconds * 1000**power) for power in range(4)} == {moment}
