from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.rows_of import declared, misfits
from workers.model.platform_prices import PlatformPriceError, platform_prices, version_of_rows

FIRST = date(2025, 1, 1)
BOOK = declared("system/schemas/llm_price_book.json")


def row(price: Any = 0.00015, **changes: Any) -> dict[str, Any]:
    fixed = {"model_id": "gpt-x", "meter": "input", "per": 1000, "effective_date": FIRST, "end_date": None}
    return {**fixed, "price": price, **changes}


def test_a_price_fits_the_book_and_holds_for_the_model_itself() -> None:
    (price,) = platform_prices([row()], "openai")
    assert misfits(BOOK, {**price, "known_from": datetime(2025, 1, 1, tzinfo=UTC)}) == []
    assert (price["provider"], price["model_match"], price["variant"]) == ("OPENAI", r"^gpt\-x$", "standard")


@pytest.mark.parametrize(
    ("price", "usd", "per"),
    [
        (0.00015, "0.00015", 1000),
        (3.75e-05, "0.0000375", 1000),
        (0.1 + 0.2, "30000000.000000004", 10**11),
        (1e-12, "0.000000001", 10**6),
        (0.0, "0", 1000),
        (Decimal("0.25"), "0.25", 1000),
    ],
)
def test_a_float_is_the_shortest_decimal_that_names_it(price: float, usd: str, per: int) -> None:
    (found,) = platform_prices([row(price)], "OPENAI")
    assert (found["price_usd"], found["per"]) == (Decimal(usd), per)


@given(st.floats(min_value=1e-8, max_value=1e9))
def test_no_digit_of_a_price_is_lost(price: float) -> None:
    (found,) = platform_prices([row(price)], "OPENAI")
    assert Fraction(found["price_usd"]) / Fraction(found["per"]) == Fraction(Decimal(repr(price))) / 1000


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"price": -0.1}, "negative"),
        ({"price": float("nan")}, "not finite"),
        ({"price": 1e-300}, "too many places"),
        ({"model_id": ""}, "model_id is empty"),
        ({"effective_date": None}, "effective_date is empty"),
        ({"end_date": date(2024, 12, 31)}, "end_date is before"),
    ],
)
def test_every_unusable_price_is_named_at_once(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(PlatformPriceError, match=said) as caught:
        platform_prices([row(), row(**changes), row(-1.0, model_id="gpt-y")], "OPENAI")
    assert str(caught.value).count("llm_model_pricing: ") == 2


def test_the_version_tells_every_change_and_no_order() -> None:
    one, other = row(), row(model_id="gpt-y")
    assert version_of_rows([one, other]) == version_of_rows([other, one]) != version_of_rows([one])
    assert len({version_of_rows([row(price)]) for price in (0.1, 0.2, 0.1 + 0.2)}) == 3
    assert version_of_rows([]) == ""
