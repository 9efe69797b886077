"""JSON through protobuf's Struct and back."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from server.convert.values import EXACT, json_of, struct_of, timestamp_of

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LEAVES = st.none() | st.booleans() | st.integers(-EXACT, EXACT) | st.floats(allow_nan=False) | TEXT
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))


@given(st.dictionaries(TEXT, JSON, max_size=5))
def test_json_comes_back_as_it_went(values: dict[str, Any]) -> None:
    assert json_of(Struct.FromString(struct_of(values).SerializeToString())) == values


@given(st.integers(-EXACT, EXACT))
def test_a_whole_number_comes_back_as_an_int(number: int) -> None:
    back = json_of(struct_of({"n": number}))["n"]
    assert isinstance(back, int)
    assert back == number


@pytest.mark.parametrize("number", [0.5, 1e300, -1e17, math.inf, 2.0**53 + 2])
def test_what_is_not_exactly_whole_stays_a_float(number: float) -> None:
    back = json_of(struct_of({"n": number}))["n"]
    assert isinstance(back, float)
    assert back == number


def test_true_is_not_one_and_tuples_are_lists() -> None:
    assert json_of(struct_of({"a": (True, 1, None)})) == {"a": [True, 1, None]}
    assert isinstance(json_of(struct_of({"a": True}))["a"], bool)


def test_a_value_that_is_no_json_is_shown_as_text() -> None:
    assert json_of(struct_of({"day": datetime(2025, 1, 2, tzinfo=UTC).date()})) == {"day": "2025-01-02"}


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1)), st.integers(-12, 12))  # noqa: DTZ001 - zone is given
def test_a_time_comes_back_as_the_same_instant(moment: datetime, hours: int) -> None:
    zoned = moment.replace(tzinfo=timezone(timedelta(hours=hours)))
    stamp = timestamp_of(zoned)
    assert stamp is not None
    assert stamp.ToDatetime(tzinfo=UTC) == zoned


def test_no_time_is_no_timestamp() -> None:
    assert timestamp_of(None) is None
