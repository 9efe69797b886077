from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.adapters.bigquery.json_text import json_text, json_texts

finite = st.decimals(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | finite,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_every_digit_survives_the_text(value: Any) -> None:
    read = json.loads(json_text(value), parse_float=Decimal, parse_int=Decimal)
    assert read == json.loads(json.dumps(value, default=_tagged), object_hook=_untagged, parse_int=Decimal)


def _tagged(value: Decimal) -> dict[str, str]:
    return {"\x00decimal": str(value)}


def _untagged(value: dict[str, Any]) -> Any:
    return Decimal(value["\x00decimal"]) if value.keys() == {"\x00decimal"} else value


@pytest.mark.parametrize("value", [Decimal("NaN"), [Decimal("Infinity")], float("inf")])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        json_text(value)


marked = st.recursive(
    st.sampled_from(["\x00", "\x01", '"\x00"', ',"\x01",', "a", 1, True, None, Decimal("0.10"), Decimal(7)]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("\x00\x01a"), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(values | marked, max_size=6))
def test_many_at_once_are_encoded_as_each_by_itself(given: list[Any]) -> None:
    assert json_texts(given) == [json_text(value) for value in given]


@pytest.mark.parametrize("value", [{1: Decimal(1)}, [{"a": {None: [Decimal(1)]}}], {"a": date(2025, 1, 1)}])
def test_what_json_cannot_hold_is_refused_among_others_too(value: Any) -> None:
    with pytest.raises(TypeError):
        json_texts([{"fine": Decimal(1)}, value])
