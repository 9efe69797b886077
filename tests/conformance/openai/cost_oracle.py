"""What usage costs, worked out in plain Python with exact decimals: the other opinion on openai_cost_daily.sql.

Written from the meaning of the columns, row by row and without SQL; it shares no code with the service.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

Row = Mapping[str, Any]
Key = tuple[Any, ...]

KEY = ("usage_date", "model", "project_id", "batch", "service_tier")
PARTS = {
    "input_cost_usd": {"input", "audio_input", "image_input", "cache_write"},
    "cached_input_cost_usd": {"cached_input", "cached_audio_input", "cached_image_input"},
    "output_cost_usd": {"output", "audio_output", "image_output"},
}
INSTEAD = {
    "cached_input": ("input",),
    "cache_write": ("input",),
    "image_input": ("input",),
    "cached_image_input": ("cached_input", "input"),
    "image_output": ("output",),
}
# Whose price counts first, by where it is from; the list calls itself differently for each entry.
WHOSE = defaultdict(lambda: 2, {"org": 0, "llm_model_pricing": 1})
COUNTED = {
    "web_search_calls": "web_search",
    "file_search_calls": "file_search",
    "audio_speeches": "characters",
    "audio_transcriptions": "audio_seconds",
}


def variant_of(row: Row) -> str:
    tier: str = row["service_tier"] or "default"
    if tier not in {"default", "auto", "standard", "flex", "priority", "fast"}:
        return tier
    if row["batch"]:
        return "batch"
    return tier if tier in {"flex", "priority", "fast"} else "standard"


def meters(row: Row) -> dict[str, Decimal]:
    """Split one row of usage into what is billed."""

    def count(name: str) -> int:
        value = row[name] if name in row else row["raw"].get(name)
        return value or 0

    cached, audio_cached = count("input_cached_tokens"), count("input_cached_audio_tokens")
    image_cached, written = count("input_cached_image_tokens"), count("input_cache_write_tokens")
    audio, image = count("input_audio_tokens"), count("input_image_tokens")
    uncached = row["input_uncached_tokens"]
    if uncached is None:
        uncached = count("input_tokens") - cached - written
        audio, image = audio - audio_cached, image - image_cached
    audio_out, image_out = count("output_audio_tokens"), count("output_image_tokens")
    split: dict[str, int] = {
        "input": uncached - audio - image,
        "audio_input": audio,
        "image_input": image,
        "cached_input": cached - audio_cached - image_cached,
        "cached_audio_input": audio_cached,
        "cached_image_input": image_cached,
        "cache_write": written,
        "output": count("output_tokens") - audio_out - image_out,
        "audio_output": audio_out,
        "image_output": image_out,
    }
    found = {name: Decimal(value) for name, value in split.items()}
    endpoint: str = row["endpoint"]
    found[COUNTED.get(endpoint, endpoint)] = row["quantity"] or Decimal(0)
    return found


def entries(book: Sequence[Row], model: str | None, variant: str) -> list[Row]:
    """What the book has on a model: the organisation's own prices, and those of the list's first entry that matches."""
    named = [price for price in book if price["provider"] == "OPENAI" and re.search(price["model_match"], model or "")]
    first = min((price["match_rank"] for price in named if not price["is_custom"]), default=0)
    known = [price for price in named if price["is_custom"] or price["match_rank"] == first]
    return [price for price in known if model is not None and price["variant"] == variant]


def price_of(book: Sequence[Row], model: str | None, meter: str, variant: str, day: date) -> Row | None:
    """Find the price in force: own before list, the list's first entry that matches, the latest begin."""
    fitting = entries(book, model, variant)
    for name in (meter, *INSTEAD.get(meter, ())):
        in_force = [
            price
            for price in fitting
            if price["meter"] == name and price["effective_date"] <= day <= (price["end_date"] or date.max)
        ]
        if in_force:
            return min(
                in_force,
                key=lambda one: (WHOSE[one["source"]], one["match_rank"], -one["effective_date"].toordinal()),
            )
    return None


def cost(units: Decimal, price: Row) -> Decimal:
    with localcontext() as exactly:
        exactly.prec = 80
        exact: Decimal = units * price["price_usd"] / price["per"]
        return exact.quantize(Decimal("1e-9"), rounding=ROUND_HALF_UP)


def costs(usage: Iterable[Row], book: Sequence[Row]) -> dict[Key, dict[str, Any]]:
    """Return the cost columns of every key of the usage."""
    summed: defaultdict[Key, defaultdict[str, list[Decimal]]] = defaultdict(lambda: defaultdict(list))
    tokens: defaultdict[Key, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in usage:
        key = tuple(row[name] for name in KEY)
        for meter, units in meters(row).items():
            summed[key][meter].append(units)
        for place, name in enumerate(("input_tokens", "output_tokens", "requests")):
            tokens[key][place] += row[name] or 0
    return {key: _priced(key, dict(found), tokens[key], book) for key, found in summed.items()}


def _priced(key: Key, found: Mapping[str, list[Decimal]], tokens: list[int], book: Sequence[Row]) -> dict[str, Any]:
    usage_date, model, _, batch, tier = key
    variant = variant_of({"batch": batch, "service_tier": tier})
    said: dict[str, Any] = {name: Decimal(0) for name in (*PARTS, "other_cost_usd")}
    priced = bool(entries(book, model, variant))
    for meter, pieces in found.items():
        units = sum(pieces, Decimal(0))
        if units == 0 and min(pieces) >= 0:
            continue
        price = price_of(book, model, meter, variant, usage_date)
        if price is None or min(pieces) < 0:
            priced = False
            continue
        part = next((name for name, inside in PARTS.items() if meter in inside), "other_cost_usd")
        said[part] += cost(units, price)
    said["total_cost_usd"] = sum(said.values(), Decimal(0))
    if not priced:
        said = dict.fromkeys(said)
    said |= {"price_status": "PRICED" if priced else "UNPRICED"}
    return said | dict(zip(("input_tokens", "output_tokens", "requests"), tokens, strict=True))
