"""What flattening does with prices that a day cannot hold."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal

import pytest
from genai_prices import types

from tools.price_rows import PriceRow, model_rows
from tools.price_spans import BEGINNING

NIGHT = types.TimeOfDateConstraint(start_time=time(16, 30), end_time=time(0, 30))
MAY = types.StartDateConstraint(start_date=date(2026, 5, 1))
AUGUST = types.StartDateConstraint(start_date=date(2026, 8, 1))
BATCH = {"processing": "batch"}


def per_million(usd: str) -> types.ModelPrice:
    return types.ModelPrice(input_mtok=Decimal(usd))


def rows(
    prices: types.ModelPrice | list[types.ConditionalPrice], *variants: types.PriceVariant, description: str = ""
) -> list[PriceRow]:
    model = types.ModelInfo(
        id="m",
        match=types.ClauseEquals("m"),
        prices=prices,
        price_variants=list(variants),
        description=description,
    )
    return list(model_rows("openai", model, 1, "0"))


def dated(found: list[PriceRow], variant: str) -> list[tuple[str, date, date | None]]:
    return [(str(row.price_usd), row.effective_date, row.end_date) for row in found if row.variant == variant]


def test_a_tier_is_flattened_to_its_base_and_noted() -> None:
    tiered = types.TieredPrices(base=Decimal(3), tiers=[types.Tier(start=200_000, price=Decimal(6))])
    (row,) = rows(types.ModelPrice(input_mtok=tiered))
    assert (row.price_usd, row.notes) == (Decimal(3), "base tier; 6 above 200000 input tokens a request is not applied")


def test_a_price_by_the_hour_is_noted_and_not_applied() -> None:
    found = rows(
        [
            types.ConditionalPrice(prices=per_million("2")),
            types.ConditionalPrice(NIGHT, prices=per_million("1")),
        ]
    )
    assert [(row.price_usd, row.notes) for row in found] == [
        (Decimal(2), "another price at 16:30 to 00:30 UTC is not applied")
    ]


def test_a_start_date_ends_the_price_before_it() -> None:
    found = rows(
        [
            types.ConditionalPrice(prices=per_million("2")),
            types.ConditionalPrice(MAY, prices=per_million("1")),
        ]
    )
    assert dated(found, "standard") == [("2", BEGINNING, date(2026, 4, 30)), ("1", date(2026, 5, 1), None)]


def test_a_start_date_that_changes_nothing_is_no_new_price() -> None:
    found = rows(
        [
            types.ConditionalPrice(prices=per_million("2")),
            types.ConditionalPrice(MAY, prices=per_million("2")),
        ]
    )
    assert dated(found, "standard") == [("2", BEGINNING, None)]


def test_a_variant_begins_with_its_standard_price_and_not_when_it_was_verified() -> None:
    found = rows(per_million("2"), types.PriceVariant(BATCH, per_million("1"), AUGUST))
    assert dated(found, "batch") == [("1", BEGINNING, None)]


def test_a_variant_outlives_a_later_standard_price() -> None:
    standard = [
        types.ConditionalPrice(prices=per_million("2")),
        types.ConditionalPrice(AUGUST, prices=per_million("3")),
    ]
    found = rows(standard, types.PriceVariant(BATCH, per_million("1"), MAY))
    assert dated(found, "batch") == [("1", BEGINNING, None)]


def test_a_variant_keeps_the_standard_price_of_what_it_does_not_name() -> None:
    standard = types.ModelPrice(input_mtok=Decimal(2), cache_read_mtok=Decimal(1))
    found = rows(standard, types.PriceVariant(BATCH, per_million("1")))
    kept = [(row.price_usd, row.notes) for row in found if (row.variant, row.meter) == ("batch", "cached_input")]
    assert kept == [(Decimal(1), "as standard")]


def test_a_model_without_prices_has_no_rows_unless_it_is_called_free() -> None:
    assert rows(types.ModelPrice()) == []
    assert [row.price_usd for row in rows(types.ModelPrice(), description="All of it is free of charge")] == [0]


def test_an_unknown_price_is_refused_instead_of_lost() -> None:
    with pytest.raises(ValueError, match="no meter for video_hours"):
        rows(types.ModelPrice(video_hours=Decimal(1)))


def test_an_unknown_variant_is_refused_instead_of_lost() -> None:
    with pytest.raises(ValueError, match="unknown variant"):
        rows(per_million("2"), types.PriceVariant({"speed": "slow"}, per_million("1")))


def test_a_variant_given_twice_is_refused() -> None:
    twice = types.PriceVariant(BATCH, per_million("1"))
    with pytest.raises(ValueError, match="given twice"):
        rows(per_million("2"), twice, twice)
