from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.model.money import PLACES, exact, stored, total

amounts = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=9)


@given(amounts)
def test_an_amount_is_the_same_as_text_and_as_a_number(amount: Decimal) -> None:
    assert exact(str(amount)) == exact(amount) == amount


@given(st.integers(-(10**28), 10**28))
def test_whole_numbers_stay_whole(amount: int) -> None:
    assert exact(amount) == amount


@pytest.mark.parametrize("text", ["12.50", "1e-7", "-3", "0.10000000"])
def test_the_spellings_providers_use_are_read(text: str) -> None:
    assert exact(text) == Decimal(text)


@pytest.mark.parametrize(
    "value",
    [
        True,
        None,
        1.5,
        [],
        {},
        "",
        "x",
        "1_0",
        " 1",
        "٣",
        "1e9999999999",
        "NaN",
        "Infinity",
        "-Infinity",
        10**29,
        "1e29",
    ],
)
def test_what_is_no_finite_amount_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="an amount is"):
        exact(value)


def test_a_canary_in_an_amount_is_not_repeated() -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is what is looked at
        exact("canary-7f3a9")
    assert "canary" not in str(caught.value)


@given(amounts)
def test_what_has_nine_places_is_stored_as_it_is(amount: Decimal) -> None:
    assert stored(amount) == amount
    assert stored(amount).as_tuple().exponent == PLACES.as_tuple().exponent


@pytest.mark.parametrize(("given_", "kept"), [("0.0000000005", "0"), ("0.0000000015", "0.000000002"), ("-1e-10", "0")])
def test_the_rest_is_rounded_half_to_even(given_: str, kept: str) -> None:
    assert stored(Decimal(given_)) == Decimal(kept)


@given(st.lists(amounts, max_size=30), st.randoms())
def test_sums_do_not_depend_on_their_order(parts: list[Decimal], chance: Random) -> None:
    shuffled = list(parts)
    chance.shuffle(shuffled)
    assert total(parts) == total(shuffled)


@given(st.lists(st.integers(-(10**30), 10**30), max_size=30))
def test_sums_lose_no_digit(parts: list[int]) -> None:
    assert total(map(Decimal, parts)) == sum(parts)
