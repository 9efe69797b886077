from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from workers.adapters.bigquery.columns import UnfitError, array
from workers.model.table import Column

NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
LARGEST = Decimal("99999999999999999999999999999.999999999")
EAST = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("STRING", "é\x00", "é\x00"),
        ("BYTES", b"\xff", b"\xff"),
        ("BOOL", True, True),
        ("INT64", -(2**63), -(2**63)),
        ("FLOAT64", Decimal("0.5"), 0.5),
        ("FLOAT64", 3, 3.0),
        ("NUMERIC", Decimal("1E-9"), Decimal("1E-9")),
        ("NUMERIC", 7, Decimal(7)),
        ("NUMERIC", LARGEST, LARGEST),
        ("BIGNUMERIC", Decimal("1E-38"), Decimal("1E-38")),
        ("DATE", date(2025, 1, 1), date(2025, 1, 1)),
        ("TIME", time(1, 2, 3), time(1, 2, 3)),
        ("TIMESTAMP", NOON.astimezone(EAST), NOON),
        ("DATETIME", NOON.replace(tzinfo=None), NOON.replace(tzinfo=None)),
        ("JSON", {"b": [1, Decimal("0.10")]}, '{"b":[1,0.10]}'),
        ("JSON", '{"already": "text"}', '{"already": "text"}'),
    ],
)  # fmt: skip
def test_a_value_of_the_type_is_kept_exactly(kind: str, value: Any, kept: Any) -> None:
    assert array(Column("c", kind), [None, value]).to_pylist() == [None, kept]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("STRING", 1),
        ("STRING", b"x"),
        ("STRING", "\ud800"),
        ("BOOL", 1),
        ("INT64", True),
        ("INT64", 1.0),
        ("INT64", "1"),
        ("INT64", 2**63),
        ("FLOAT64", float("nan")),
        ("NUMERIC", 0.1),
        ("NUMERIC", True),
        ("NUMERIC", Decimal("NaN")),
        ("NUMERIC", Decimal("1E-10")),
        ("NUMERIC", Decimal("1E29")),
        ("DATE", NOON),
        ("DATE", "2025-01-01"),
        ("TIMESTAMP", NOON.replace(tzinfo=None)),
        ("TIMESTAMP", date(2025, 1, 1)),
        ("DATETIME", NOON),
        ("JSON", {"a": float("nan")}),
        ("JSON", {"a": NOON}),
        ("JSON", {1: Decimal(1)}),
        ("JSON", "{not json"),
    ],
)
def test_a_value_near_the_type_is_refused_with_its_place_and_not_shown(kind: str, value: Any) -> None:
    with pytest.raises(UnfitError, match=f"is not an exact {kind}") as raised:
        array(Column("c", kind), [None, value])
    assert raised.value.index == 1


def test_a_json_value_too_deep_to_walk_is_refused() -> None:
    deep: list[Any] = [Decimal(1)]
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(UnfitError):
        array(Column("c", "JSON"), [deep])


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("STRING", ["a", "a"]),
        ("STRING", ["a", "b", None]),
        ("INT64", [1, 1]),
        ("BOOL", [True, True, None]),
        ("DATE", [date(2025, 1, 1)] * 3),
        ("NUMERIC", [Decimal("1.0"), 1, None]),
        ("JSON", [None, None]),
    ],
)
def test_values_are_kept_whether_they_are_alike_or_not(kind: str, values: list[Any]) -> None:
    assert array(Column("c", kind), values).to_pylist() == values


def test_one_instant_in_several_zones_is_one_instant() -> None:
    instants = [NOON, NOON.astimezone(EAST), NOON]
    assert array(Column("c", "TIMESTAMP"), instants).to_pylist() == [NOON] * 3


def test_json_texts_may_stand_among_values() -> None:
    assert array(Column("c", "JSON"), ['{"a": 1}', None, {"b": Decimal("0.10")}]).to_pylist() == [
        '{"a": 1}',
        None,
        '{"b":0.10}',
    ]


def test_a_required_null_is_refused() -> None:
    with pytest.raises(UnfitError, match="is null but REQUIRED") as raised:
        array(Column("c", "STRING", "REQUIRED"), ["a", None])
    assert raised.value.index == 1


def test_a_repeated_column_takes_lists_and_nothing_else() -> None:
    tags = Column("c", "STRING", "REPEATED")
    assert array(tags, [["a"], [], None]).to_pylist() == [["a"], [], []]
    for wrong in ([1], "text", {"a": 1}):
        with pytest.raises(UnfitError):
            array(tags, [wrong])
