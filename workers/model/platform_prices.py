"""Prices that the platform keeps for an organisation, checked, as rows of llm_price_book."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from workers.model.money import PLACES, exact, stored
from workers.model.price_book import PLATFORM

Row = Mapping[str, Any]

SOURCE = "llm_model_pricing"
_MOST_UNITS = Decimal(10) ** 20
_FINEST = -PLACES.as_tuple().exponent  # type: ignore[operator]  # it is a number: the amount is finite


class PlatformPriceError(ValueError):
    """Prices of the platform that cannot be used; the message names everything that is wrong."""


def platform_prices(rows: Iterable[Row], provider: str) -> list[Row]:
    """Return price rows for rows of {model_id, meter, price, per, effective_date, end_date}.

    A price holds for the model of that very name, at the standard variant. Raises PlatformPriceError.
    """
    found, faults = [], []
    given = list(rows)
    version = version_of_rows(given)
    for row in given:
        try:
            found.append(_price(row, provider.upper(), version))
        except ValueError as error:
            faults.append(f"{SOURCE}: {row['model_id']}, {row['meter']} from {row['effective_date']}: {error}")
    if faults:
        raise PlatformPriceError("; ".join(faults))
    return found


def version_of_rows(rows: Iterable[Row]) -> str:
    """Return a digest that any change of the rows changes, whatever order they come in; empty for none."""
    lines = sorted(json.dumps({name: _text(value) for name, value in row.items()}, sort_keys=True) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16] if lines else ""


def _price(row: Row, provider: str, version: str) -> Row:
    model, first, last = row["model_id"], row["effective_date"], row["end_date"]
    if not model:
        raise ValueError("model_id is empty")
    if first is None:
        raise ValueError("effective_date is empty")
    if last is not None and last < first:
        raise ValueError("end_date is before effective_date")
    price, per = _exactly(_amount(row["price"]), Decimal(row["per"]))
    named = (SOURCE, provider, model, row["meter"], str(first), str(last), str(price), str(per))
    return {
        "price_id": hashlib.sha256("\x1f".join(named).encode()).hexdigest()[:32],
        "provider": provider,
        "model_id": model,
        "model_match": f"^{re.escape(model)}$",
        "match_rank": 0,
        "meter": row["meter"],
        "variant": "standard",
        "price_usd": price,
        "per": per,
        "effective_date": first,
        "end_date": last,
        "source": SOURCE,
        "source_version": version,
        "is_custom": True,
        "precedence": PLATFORM,
        "notes": None,
    }


def _amount(value: Any) -> Decimal:
    """Return the decimal that was meant: the shortest one that is this float and no other."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("the price is not finite")
    amount = exact(_text(value) if isinstance(value, float) else value)
    if amount < 0:
        raise ValueError("the price is negative")
    return amount


def _exactly(price: Decimal, per: Decimal) -> tuple[Decimal, Decimal]:
    """Keep every digit within NUMERIC's nine places: what is finer is the price of ten, a hundred… times as much."""
    finer = -int(price.normalize().as_tuple().exponent) - _FINEST
    scaled = Decimal(10) ** max(finer, 0)
    if per * scaled > _MOST_UNITS:
        raise ValueError("the price has too many places")
    return stored(price * scaled), stored(per * scaled)


def _text(value: Any) -> str | None:
    return None if value is None else repr(value) if isinstance(value, float) else str(value)
