"""The rows of the list-price table, out of one provider of a genai-prices snapshot. Pure.

Given a provider and the snapshot's version; hands on one row per model, variant, meter and span of days. A meter that
the source does not price has no row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import attrs
from genai_prices import types
from genai_prices.data_units import unit_data

from tools.price_match import model_pattern
from tools.price_spans import Price, Span, long_context_spans, variant_spans

SOURCE = "genai-prices"

METERS = {
    "input_mtok": "input",
    "cache_read_mtok": "cached_input",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_mtok": "output",
    "input_audio_mtok": "audio_input",
    "cache_audio_read_mtok": "cached_audio_input",
    "output_audio_mtok": "audio_output",
    "input_image_mtok": "image_input",
    "cache_image_read_mtok": "cached_image_input",
    "output_image_mtok": "image_output",
    "input_mchars": "characters",
    "audio_hours": "audio_seconds",
    "input_audio_hours": "audio_input_seconds",
    "web_searches_kcount": "web_search",
    "storage_searches_kcount": "file_search",
}
# Whose usage tells large requests from small ones.
_BY_CONTEXT = {"anthropic"}
# Anthropic reports cache writes by their life; OpenAI's count has one price.
_OWN_METERS = {"anthropic": {**METERS, "cache_write_mtok": "cache_write_5m"}}
_PER = {unit["price_key"]: Decimal(unit["per"]) for unit in unit_data.values()}


@attrs.frozen
class PriceRow:
    """One line of the table; the attributes are its columns in their order. Both dates are inclusive."""

    price_id: str
    provider: str
    model_id: str
    model_match: str
    match_rank: int
    meter: str
    variant: str
    price_usd: Decimal
    per: Decimal
    effective_date: date
    end_date: date | None
    source: str
    source_version: str
    notes: str


def provider_rows(provider: types.Provider, version: str) -> list[PriceRow]:
    """Return every row of a provider; `match_rank` is the model's place in the list, where the first match wins.

    Raises ValueError where the snapshot holds a price or variant that has no meter or name here.
    """
    return [
        row
        for rank, model in enumerate(provider.models, start=1)
        for row in model_rows(provider.id, model, rank, version)
    ]


def model_rows(provider: str, model: types.ModelInfo, rank: int, version: str) -> Iterator[PriceRow]:
    """Return the rows of one model, by variant, meter and day."""
    meters = _OWN_METERS.get(provider, METERS)
    long = long_context_spans(model) if provider in _BY_CONTEXT else {}
    for variant, spans in {**variant_spans(model), **long}.items():
        _refuse_unknown(model.id, spans)
        for key, meter in meters.items():
            for price, since, until in _runs(key, spans):
                yield PriceRow(
                    price_id=_identity(provider, model.id, meter, variant, since.isoformat()),
                    provider=provider,
                    model_id=model.id,
                    model_match=model_pattern(model.match),
                    match_rank=rank,
                    meter=meter,
                    variant=variant,
                    price_usd=price.usd,
                    per=_PER[key],
                    effective_date=since,
                    end_date=until,
                    source=SOURCE,
                    source_version=version,
                    notes="; ".join(price.notes),
                )


def _identity(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _refuse_unknown(model_id: str, spans: list[Span]) -> None:
    if unknown := {key for span in spans for key in span.prices} - METERS.keys():
        raise ValueError(f"{model_id}: no meter for {', '.join(sorted(unknown))}")


def _runs(key: str, spans: list[Span]) -> Iterator[tuple[Price, date, date | None]]:
    """Give one meter's prices with their first and last day; the newest has no last day."""
    runs: list[tuple[Price | None, date]] = []
    for span in spans:
        price = span.prices.get(key)
        if not runs or _usd(runs[-1][0]) != _usd(price):
            runs.append((price, span.since))
    ends = [since - timedelta(days=1) for _, since in runs[1:]]
    for (price, since), until in zip(runs, [*ends, None], strict=True):
        if price is not None:
            yield price, since, until


def _usd(price: Price | None) -> Decimal | None:
    return None if price is None else price.usd
