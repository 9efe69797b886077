"""Jain's index over the shares of competing lanes."""

from __future__ import annotations

import math
from functools import reduce
from operator import add

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.model.fairness import Contest

SHARES = st.lists(st.floats(min_value=0.001, max_value=1000), min_size=1, max_size=30)


def contest(shares: list[float]) -> Contest:
    return reduce(add, [Contest(1, share, share * share) for share in shares], Contest())


@pytest.mark.parametrize(
    ("shares", "index"),
    [([], 1), ([0, 0], 1), ([3], 1), ([2, 2, 2], 1), ([5, 0], 0.5), ([4, 0, 0, 0], 0.25), ([1, 3], 0.8)],
)
def test_the_index_is_jains(shares: list[float], index: float) -> None:
    assert contest(shares).index == pytest.approx(index)


@given(SHARES)
def test_the_index_lies_between_one_for_all_and_all_for_one(shares: list[float]) -> None:
    assert 1 / len(shares) - 1e-9 <= contest(shares).index <= 1 + 1e-9


@given(SHARES, st.floats(min_value=0.01, max_value=100))
def test_the_index_knows_no_unit(shares: list[float], factor: float) -> None:
    assert math.isclose(contest([share * factor for share in shares]).index, contest(shares).index, rel_tol=1e-6)
