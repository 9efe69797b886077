"""What usage costs, worked out in plain Python with exact decimals: the other opinion on anthropic_cost_daily.sql.

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

KEY = ("usage_date", "model", "workspace_id", "service_tier", "context_window", "inference_geo", "speed")
METERS = {
    "input": ("uncached_input_tokens", "input_cost_usd"),
    "cache_write_5m": ("cache_write_5m_tokens", "cache_write_5m_cost_usd"),
    "cache_write_1h": ("cache_write_1h_tokens", "cache_write_1h_cost_usd"),
    "cached_input": ("cache_read_tokens", "cached_input_cost_usd"),
    "output": ("output_tokens", "output_cost_usd"),
    "web_search": ("web_search_requests", "other_cost_usd"),
}


def known(book: Sequence[Row], model: str | None) -> list[Row]:
    """What the book has on a model: prices of an organisation's own, and those of the list's first entry."""
    named = [
        price for price in book if price["provider"] == "ANTHROPIC" and re.search(price["model_match"], model or "")
    ]
    first = min((price["match_rank"] for price in named if not price["is_custom"]), default=0)
    own = [price for price in named if price["is_custom"] or price["match_rank"] == first]
    return own if model is not None else []


def variant_of(entries: Sequence[Row], tier: str | None, speed: str | None, window: str | None) -> str:
    """Name how it was called; a large context has a name of its own only where the model has prices for it."""
    parts = [tier] if tier not in {None, "standard"} else []
    parts += ["fast"] if speed == "fast" else []
    name = "_".join(str(part) for part in parts) or "standard"
    large = "long_context" if name == "standard" else f"{name}_long_context"
    return large if window == "200k-1M" and any(one["variant"] == large for one in entries) else name


def price_of(entries: Sequence[Row], meter: str, variant: str, day: date) -> Row | None:
    fitting = [
        one
        for one in entries
        if (one["meter"], one["variant"]) == (meter, variant)
        and one["effective_date"] <= day <= (one["end_date"] or date.max)
    ]
    key = [(one["precedence"], one["match_rank"], -one["effective_date"].toordinal()) for one in fitting]
    return fitting[key.index(min(key))] if fitting else None


def costs(usage: Iterable[Row], book: Sequence[Row]) -> dict[Key, dict[str, Any]]:
    """Return the cost columns of every key of the usage."""
    pieces: defaultdict[Key, defaultdict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row in usage:
        for meter, (count, _) in METERS.items():
            pieces[tuple(row[name] for name in KEY)][meter].append(row[count] or 0)
    return {key: _priced(key, found, book) for key, found in pieces.items()}


def _priced(key: Key, found: Mapping[str, list[int]], book: Sequence[Row]) -> dict[str, Any]:
    day, model, _, tier, window, geo, speed = key
    entries = known(book, model)
    variant = variant_of(entries, tier, speed, window)
    priced = any(one["variant"] == variant for one in entries)
    said: dict[str, Any] = {}
    for meter, (_, column) in METERS.items():
        units, said[column] = sum(found[meter]), Decimal(0)
        if units == 0 and min(found[meter]) >= 0:
            continue
        price = price_of(entries, meter, variant, day)
        if price is None or min(found[meter]) < 0:
            priced = False
        else:
            said[column] = _cost(units, price, dearer=geo == "us" and meter != "web_search")
    said["total_cost_usd"] = sum(said.values(), Decimal(0))
    said = said if priced else dict.fromkeys(said)
    counts = {count: sum(found[meter]) for meter, (count, _) in METERS.items()}
    return said | counts | {"price_status": "PRICED" if priced else "UNPRICED"}


def _cost(units: int, price: Row, *, dearer: bool) -> Decimal:
    with localcontext() as exactly:
        exactly.prec = 80
        exact: Decimal = units * price["price_usd"] * (Decimal("1.1") if dearer else 1) / price["per"]
        return exact.quantize(Decimal("1e-9"), rounding=ROUND_HALF_UP)
