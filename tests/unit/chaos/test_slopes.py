"""Slopes of what a process holds: a leak shows, noise and outliers do not."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.slopes import Held, per_minute, slope

NOISE = random.Random(7)


@given(st.floats(min_value=-5, max_value=5), st.floats(min_value=-100, max_value=100))
def test_a_line_has_its_slope(rise: float, start: float) -> None:
    assert slope([(x, start + rise * x) for x in range(9)]) == pytest.approx(rise, abs=1e-6)


def test_a_quarter_of_outliers_moves_nothing() -> None:
    points = [(x, 5000.0 if x % 4 == 0 else 100 + 2.0 * x) for x in range(60)]
    assert slope(points) == pytest.approx(2, abs=0.1)


def test_noise_around_a_level_is_no_growth() -> None:
    assert abs(slope([(x, 200 + NOISE.uniform(-20, 20)) for x in range(300)])) < 0.05


def test_one_task_leaked_in_five_seconds_shows_beside_noise_and_the_first_half_does_not_count() -> None:
    def held(second: int) -> Held:
        return Held(second, 9 * min(second, 100), 50, 20, 40 + second / 5 + NOISE.uniform(-3, 3), 8)

    grown = per_minute([held(second) for second in range(200)])
    assert grown["tasks"] == pytest.approx(12, abs=2)
    assert (grown["mebibytes"], grown["files"]) == (0, 0)
