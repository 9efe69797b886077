from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.model.lane import LaneClasses

PLANS = LaneClasses(((8, "enterprise"), (1, "starter"), (2, "professional"), (4, "scale")))


@pytest.mark.parametrize(
    ("weight", "name"),
    [(1, "starter"), (2, "professional"), (3.5, "professional"), (4, "scale"), (1000, "enterprise"), (0.1, "starter")],
)
def test_a_weight_belongs_to_the_heaviest_class_it_reaches(weight: float, name: str) -> None:
    assert PLANS.of(weight) == name


@given(st.floats(min_value=0.001, max_value=1000))
def test_no_weight_makes_a_new_class(weight: float) -> None:
    assert PLANS.of(weight) in PLANS.names


def test_plans_of_one_weight_share_a_class() -> None:
    assert LaneClasses(((1, "trial"), (1, "starter"), (3, "big"))).names == ("starter", "big")


def test_without_any_plan_there_are_no_classes_to_make() -> None:
    with pytest.raises(ValueError, match="named"):
        LaneClasses(())
