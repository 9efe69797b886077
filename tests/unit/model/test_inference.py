from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.model.fields import Contract, Fields, Filled, column_name
from workers.model.inference import infer_columns, inferred_table
from workers.model.table import IDENTIFIER

scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=5) | st.decimals(
    allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12
)  # fmt: skip
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner))


@given(st.text(min_size=1, max_size=300))
def test_every_field_has_a_name_that_a_column_can_have(name: str) -> None:
    assert IDENTIFIER.match(column_name(name))


@settings(max_examples=30)
@given(st.lists(st.dictionaries(st.sampled_from("abcde"), values), min_size=1, max_size=6))
def test_a_table_holds_every_row_that_it_was_made_of(rows: list[dict[str, Any]]) -> None:
    names = dict.fromkeys(name for row in rows for name in row)
    table = inferred_table("t", infer_columns(rows, names), Contract.FREEZE)
    fitted = Fields(table, Contract.FREEZE).rows(rows, Filled("acme", None, "5ha"))
    for before, after in zip(rows, fitted, strict=True):
        assert {name for name, value in before.items() if value is not None} <= after.keys()


@pytest.mark.parametrize(
    ("given_values", "found"),
    [
        ([1, None], "INT64"),
        ([1, Decimal("0.5")], "NUMERIC"),
        ([Decimal("0.1234567891")], "BIGNUMERIC"),
        ([2**63], "BIGNUMERIC"),
        ([True, 1], "STRING"),
        (["x", 1], "STRING"),
        (["2025-01-01"], "STRING"),
        ([{"a": 1}, "x"], "JSON"),
        ([[1]], "JSON"),
    ],
)
def test_a_type_holds_everything_that_was_seen(given_values: list[Any], found: str) -> None:
    [column] = infer_columns([{"a": value} for value in given_values], ["a"])
    assert column.type == found


def test_a_field_without_a_value_has_no_column_yet() -> None:
    assert infer_columns([{"a": None}], ["a"]) == ()
