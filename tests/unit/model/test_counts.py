from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.model.counts import added, below_zero, count_of, inside, text_of

NESTED = {"a": {"b": {"c": 1}}, "text": "t", "none": None}


def test_what_is_inside_is_found_by_its_path_and_empty_where_it_is_not() -> None:
    assert inside(NESTED, "a", "b") == {"c": 1}
    assert inside(NESTED, "a", "x", "y") == inside(NESTED, "none") == {}


def test_what_is_no_object_is_named() -> None:
    with pytest.raises(ValueError, match="text is str"):
        inside(NESTED, "text")


@pytest.mark.parametrize("odd", ["1", 1.5, True, Decimal("0.5"), 2**63, Decimal("1e999999")])
def test_what_is_no_count_is_named(odd: object) -> None:
    with pytest.raises(ValueError, match="n is not a whole number"):
        count_of({"n": odd}, "n")


def test_a_name_that_is_no_text_is_named() -> None:
    with pytest.raises(ValueError, match="n is int"):
        text_of({"n": 1}, "n")


def test_only_whole_counts_are_below_zero_for_money_may_be_a_credit() -> None:
    assert below_zero({"n": -1})
    assert not below_zero({"n": 0, "credit": Decimal(-1), "none": None, "text": "-1"})


@given(st.lists(st.tuples(st.sampled_from("ab"), st.none() | st.integers(-5, 5)), max_size=12))
def test_adding_keeps_every_count_and_one_row_for_each_key(pieces: list[tuple[str, int | None]]) -> None:
    rows = list(added(({"key": key, "n": n, "raw": {}} for key, n in pieces), ["key"], ["n"]))
    assert [row["key"] for row in rows] == list(dict.fromkeys(key for key, _ in pieces))
    for row in rows:
        counts = [n for key, n in pieces if key == row["key"] and n is not None]
        assert row["n"] == (sum(counts) if counts else None)
