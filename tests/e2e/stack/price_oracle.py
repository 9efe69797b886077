"""What usage must cost, by another way than the service's: exact decimals, one price file, one row at a time."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any

from attrs import frozen

LIST = Path(__file__).parents[3] / "configs" / "openai" / "cost" / "prices" / "list_prices.csv"
FALLS_BACK = {"cached_input", "cache_write"}
NANO = Decimal("0.000000001")
CALLS = {
    "web_search_calls": "web_search",
    "file_search_calls": "file_search",
    "audio_speeches": "characters",
    "audio_transcriptions": "audio_seconds",
}
PART_OF = {
    "input": "input_cost_usd",
    "audio_input": "input_cost_usd",
    "cache_write": "input_cost_usd",
    "cached_input": "cached_input_cost_usd",
    "cached_audio_input": "cached_input_cost_usd",
    "output": "output_cost_usd",
    "audio_output": "output_cost_usd",
}
PARTS = ("input_cost_usd", "cached_input_cost_usd", "output_cost_usd", "other_cost_usd")

Row = Mapping[str, Any]
CostKey = tuple[Any, ...]


@frozen
class Price:
    """One line of a price file."""

    match: re.Pattern[str]
    rank: int
    meter: str
    variant: str
    each: Decimal
    per: Decimal
    first: date
    last: date


@cache
def listed() -> tuple[Price, ...]:
    """Read the list prices."""
    with LIST.open(newline="") as file:
        return tuple(_price(line) for line in csv.DictReader(file))


def _price(line: Mapping[str, str]) -> Price:
    last = date.fromisoformat(line["end_date"]) if line["end_date"] else date.max
    first = date.fromisoformat(line["effective_date"])
    each, per = Decimal(line["price_usd"]), Decimal(line["per"])
    pattern = re.compile(line["model_match"])
    return Price(pattern, int(line["match_rank"]), line["meter"], line["variant"], each, per, first, last)


def meters(usage: Row) -> Mapping[str, Decimal]:
    """Split one usage row into what is billed."""
    counts = {name: Decimal(value) for name, value in usage.items() if isinstance(value, int | Decimal)}
    of = defaultdict(Decimal, counts)
    endpoint = str(usage["endpoint"])
    if endpoint not in {"completions", "embeddings", "moderations"}:
        return {CALLS.get(endpoint, endpoint): of["quantity"]}
    uncached = of["input_tokens"] - of["input_cached_tokens"] - of["input_cache_write_tokens"]
    return {
        "input": uncached - of["input_audio_tokens"],
        "audio_input": of["input_audio_tokens"],
        "cached_input": of["input_cached_tokens"] - of["input_cached_audio_tokens"],
        "cached_audio_input": of["input_cached_audio_tokens"],
        "cache_write": of["input_cache_write_tokens"],
        "output": of["output_tokens"] - of["output_audio_tokens"],
        "audio_output": of["output_audio_tokens"],
    }


def price_of(model: str | None, meter: str, variant: str, day: date) -> Price | None:
    """Find the price in force: the first entry that names the model decides, its meter, its variant, the day."""
    naming = [price for price in listed() if model is not None and price.match.search(model)]
    rank = min((price.rank for price in naming), default=0)
    for wanted in (meter, *(["input"] if meter in FALLS_BACK else [])):
        for price in naming:
            fits = (price.rank, price.meter, price.variant) == (rank, wanted, variant)
            if fits and price.first <= day <= price.last:
                return price
    return None


def costs(usage: Iterable[Row]) -> dict[CostKey, dict[str, Decimal | None]]:
    """Return (day, model, project, batch, tier) → the four parts and the total, all None where a price is missing."""
    units: dict[CostKey, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in usage:
        key = tuple(row[name] for name in ("usage_date", "model", "project_id", "batch", "service_tier"))
        for meter, amount in meters(row).items():
            units[key][meter] += amount
    return {key: _parts(key, used) for key, used in units.items()}


def _parts(key: CostKey, used: Mapping[str, Decimal]) -> dict[str, Decimal | None]:
    day, model, _, batch, tier = key
    variant = "batch" if batch else tier if tier in {"flex", "priority", "fast"} else "standard"
    parts = dict.fromkeys(PARTS, Decimal(0))
    for meter, amount in used.items():
        if not amount:
            continue
        price = price_of(model, meter, variant, day)
        if price is None:
            return dict.fromkeys([*PARTS, "total_cost_usd"], None)
        cost = (amount * price.each / price.per).quantize(NANO, ROUND_HALF_UP)
        parts[PART_OF.get(meter, "other_cost_usd")] += cost
    return {**parts, "total_cost_usd": sum(parts.values(), Decimal(0))}
