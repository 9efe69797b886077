from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.rest.expressions import expression
from workers.rest.shaping import Shape, ShapeError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.from_regex(r"[a-z][a-z_]{0,5}", fullmatch=True)


@settings(max_examples=40)
@given(st.dictionaries(NAMES, JSON), st.dictionaries(NAMES, NAMES), st.dictionaries(NAMES, JSON))
def test_a_row_has_exactly_the_columns_that_are_asked_for(
    row: dict[str, Any], flatten: dict[str, str], add: dict[str, Any]
) -> None:
    columns = Shape(flatten, add).columns(row)
    assert columns == {column: row.get(place) for column, place in flatten.items()} | add


@settings(max_examples=40)
@given(JSON, st.lists(NAMES, min_size=1, max_size=4))
def test_a_nested_value_is_found_where_it_stands(value: Any, path: list[str]) -> None:
    row: Any = value
    for name in reversed(path):
        row = {name: row, "beside": 1}
    assert Shape({"found": ".".join(path)}).columns(row) == {"found": value}


@settings(max_examples=40)
@given(JSON)
def test_no_row_is_too_strange_for_a_place(row: Any) -> None:
    found = Shape({"a": "a.b[0].c", "b": "last_segment(a)", "c": "a"})
    with suppress(ShapeError):
        assert set(found.columns({"a": row})) == {"a", "b", "c"}


def test_a_place_that_cannot_be_worked_on_names_its_column_and_shows_no_value() -> None:
    with pytest.raises(ShapeError, match="price is given something it cannot work on") as caught:
        Shape({"price": "money(price)"}).columns({"price": "canary"})
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("place", "value", "found"),
    [
        ("entries(@)", {"a": 1, "b": {}}, [{"key": "a", "value": 1}, {"key": "b", "value": {}}]),
        ("entries(nope || `{}`)", {}, []),
        ("if_absent(@, nope, `[]`)", {}, []),
        ("if_absent(@, a, `[]`)", {"a": False}, False),
        ("last_segment(@)", "https://x/zones/us-a", "us-a"),
        ("last_segment(@)", "plain", "plain"),
        ("money(@)", {"units": "12", "nanos": 500000000}, Decimal("12.5")),
        ("money(@)", {"nanos": -1}, Decimal("-0.000000001")),
        ("money(@)", {"units": "-1", "nanos": -750000000}, Decimal("-1.75")),
        ("money(@)", {"currencyCode": "USD"}, Decimal(0)),
    ],
)
def test_functions_of_ours_do_what_they_say(place: str, value: Any, found: Any) -> None:
    assert expression(place)(value) == found


@settings(max_examples=40)
@given(st.integers(-(10**18), 10**18), st.integers(-999_999_999, 999_999_999))
def test_money_is_exact(units: int, nanos: int) -> None:
    found = expression("money(@)")({"units": str(units), "nanos": nanos})
    assert found * 10**9 == units * 10**9 + nanos


@pytest.mark.parametrize(
    ("place", "row", "found"),
    [
        ("to_number(a)", {"a": Decimal("1.5")}, Decimal("1.5")),
        ("to_number(a)", {"a": "0.12345678901234567890"}, Decimal("0.12345678901234567890")),
        ("to_number(a)", {"a": "12"}, 12),
        ("to_number(a)", {"a": "1_000"}, None),
        ("to_number(a)", {"a": True}, None),
        ("to_string(a)", {"a": Decimal("1.10")}, "1.10"),
        ("a || `0.1`", {}, Decimal("0.1")),
    ],
)
def test_numbers_in_expressions_are_exact(place: str, row: dict[str, Any], found: Any) -> None:
    [value] = Shape({"found": place}).columns(row).values()
    assert (value, type(value)) == (found, type(found))


@pytest.mark.parametrize("money", [{"units": Decimal("1.5")}, {"units": "1", "nanos": Decimal("0.9")}, {"units": True}])
def test_money_in_other_than_whole_units_is_refused_and_never_cut_off(money: dict[str, Any]) -> None:
    with pytest.raises(ShapeError, match="cannot work on"):
        Shape({"price": "money(@)"}).columns(money)
