"""What a model costs over time, by variant, out of one genai-prices model. Pure.

Given a model; hands on, per variant, spans of days with the price of each meter. What a day's sum cannot know (the size
of one request, the hour of the day) is flattened to the base price and said in the price's notes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from itertools import pairwise

import attrs
from genai_prices import types

BEGINNING = date(2020, 1, 1)  # before any day a provider reports: the source gives first prices no date
STANDARD = "standard"
LONG_CONTEXT = "long_context"
LONG_INPUT = 200_000  # input tokens of a request, above which Anthropic's usage says so


@attrs.frozen
class Price:
    """US dollars for one unit of a meter, with what flattening left out."""

    usd: Decimal
    notes: tuple[str, ...] = ()

    def noted(self, note: str) -> Price:
        """Return the price with one more note."""
        return attrs.evolve(self, notes=(*self.notes, note))


@attrs.frozen
class Span:
    """Prices by the source's price key, from a day until the next span of the same variant begins."""

    since: date
    prices: dict[str, Price]

    def amounts(self) -> dict[str, Decimal]:
        """Return the prices without their notes."""
        return {key: price.usd for key, price in self.prices.items()}


Choose = Callable[[Decimal | types.TieredPrices, tuple[str, ...]], Price]


def variant_spans(model: types.ModelInfo) -> dict[str, list[Span]]:
    """Return the spans of every variant, the standard one first, each complete: SQL needs no fallback to another.

    Raises ValueError on a variant it does not know.
    """
    return _variants(model, _base)


def long_context_spans(model: types.ModelInfo) -> dict[str, list[Span]]:
    """Return what requests of more than LONG_INPUT tokens cost, by variants of their own; {} for a model without tiers.

    `long_context` stands beside standard, `batch_long_context` beside batch.
    """
    if not any(
        isinstance(value, types.TieredPrices) for prices in _all_prices(model) for value in vars(prices).values()
    ):
        return {}
    found = _variants(model, _above)
    return {LONG_CONTEXT if name == STANDARD else f"{name}_{LONG_CONTEXT}": spans for name, spans in found.items()}


def _all_prices(model: types.ModelInfo) -> Iterator[types.ModelPrice]:
    given = [model.prices] if isinstance(model.prices, types.ModelPrice) else [each.prices for each in model.prices]
    yield from (*given, *(variant.prices for variant in model.price_variants or []))


def _variants(model: types.ModelInfo, choose: Choose) -> dict[str, list[Span]]:
    standard = _merged(_standard(model, choose))
    spans = {STANDARD: standard}
    for given in model.price_variants or []:
        name = _variant_name(given.when)
        if name in spans:
            raise ValueError(f"{model.id}: the variant {name} is given twice")
        if name != "default":  # the standard price by another name
            spans[name] = _variant(given, standard, choose)
    return spans


def _standard(model: types.ModelInfo, choose: Choose) -> list[Span]:
    if isinstance(model.prices, types.ModelPrice):
        return [Span(BEGINNING, _flat(model.prices, choose) or _free(model))]
    hours = [price for price in model.prices if isinstance(price.constraint, types.TimeOfDateConstraint)]
    dated = [price for price in model.prices if price not in hours] or model.prices[:1]
    notes = tuple(f"another price at {_hours(price.constraint)} is not applied" for price in hours)
    # The library falls back to the first price where none holds, so that one has no beginning.
    first = Span(BEGINNING, _flat(dated[0].prices, choose, notes))
    later = [Span(_start(price.constraint), _flat(price.prices, choose, notes)) for price in dated[1:]]
    return [first, *sorted(later, key=lambda span: span.since)]


def _start(constraint: object) -> date:
    return constraint.start_date if isinstance(constraint, types.StartDateConstraint) else BEGINNING


def _hours(constraint: object) -> str:
    if not isinstance(constraint, types.TimeOfDateConstraint):
        raise TypeError(f"not hours of a day: {constraint!r}")
    return f"{constraint.start_time:%H:%M} to {constraint.end_time:%H:%M} UTC"


def _free(model: types.ModelInfo) -> dict[str, Price]:
    """Tell a model that the source calls free from one whose price it does not know."""
    if "free of charge" not in (model.description or ""):
        return {}
    return {"input_mtok": Price(Decimal(0), ("free of charge",))}


def _flat(prices: types.ModelPrice, choose: Choose, notes: tuple[str, ...] = ()) -> dict[str, Price]:
    return {key: choose(value, notes) for key, value in vars(prices).items() if value is not None}


def _base(value: Decimal | types.TieredPrices, notes: tuple[str, ...]) -> Price:
    if isinstance(value, Decimal):
        return Price(value, notes)
    tiers = ", ".join(f"{tier.price} above {tier.start}" for tier in value.tiers)
    return Price(value.base, (*notes, f"base tier; {tiers} input tokens a request is not applied"))


def _above(value: Decimal | types.TieredPrices, notes: tuple[str, ...]) -> Price:
    if isinstance(value, Decimal):
        return Price(value, notes)
    reached = [tier for tier in value.tiers if tier.start <= LONG_INPUT]
    if not reached:
        return _base(value, notes)
    return Price(reached[-1].price, (*notes, f"tier above {reached[-1].start} input tokens a request"))


def _variant_name(when: dict[str, str]) -> str:
    match list(when.items()):
        case [("processing", "batch")]:
            return "batch"
        case [("service_tier", ("default" | "flex" | "priority" | "fast") as tier)]:
            return tier
        case [("speed", "fast")]:
            return "fast"
        case _:
            raise ValueError(f"unknown variant {when}")


def _variant(given: types.PriceVariant, standard: list[Span], choose: Choose) -> list[Span]:
    """Lay a variant over the standard prices it modifies.

    Its own start is the day the source verified it, not the day it began: taken literally, every day before would
    silently cost the full price. It holds from the first day of the standard price in force at that start; under an
    older, different standard price it is unknown and has no span.
    """
    own = _flat(given.prices, choose)
    first = BEGINNING
    if given.constraint is not None:
        start = _start(given.constraint)
        own = {
            key: price.noted(f"verified {start}, held to apply since its standard price") for key, price in own.items()
        }
        first = max(span.since for span in standard if span.since <= start)
    return [Span(span.since, {**_inherited(span), **own}) for span in standard if span.since >= first]


def _inherited(span: Span) -> dict[str, Price]:
    return {key: price.noted("as standard") for key, price in span.prices.items()}


def _merged(spans: list[Span]) -> list[Span]:
    """Drop the spans that change no price."""
    return [spans[0], *(right for left, right in pairwise(spans) if left.amounts() != right.amounts())]
