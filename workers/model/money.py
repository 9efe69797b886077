"""Money as exact decimals: never a float, nine places like the warehouse's NUMERIC."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

PLACES = Decimal("0.000000001")
LARGEST = Decimal(10) ** 29

_TEXT = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,9})?", re.ASCII)
# NUMERIC has 38 digits, more than Python calculates with by itself.
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)


def exact(value: Any) -> Decimal:
    """Return a provider's amount, given as a JSON number or as decimal text; raise ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise ValueError(  # noqa: TRY004 - the same fault for whoever reads a provider
            f"an amount is a number or decimal text, not {type(value).__name__}"
        )
    if isinstance(value, str) and not _TEXT.fullmatch(value):
        raise ValueError("an amount is a number or decimal text")
    amount = Decimal(value)
    if not amount.is_finite() or abs(amount) >= LARGEST:
        raise ValueError("an amount is finite and below 10^29")
    return amount


def from_cents(value: Any) -> Decimal:
    """Return an amount that is given in hundredths, which may have a fraction, in whole units; as `exact` otherwise."""
    return exact(value).scaleb(-2, _WIDE)


def stored(amount: Decimal) -> Decimal:
    """Round to what the warehouse holds, half to even; do it once, after summing."""
    return amount.quantize(PLACES, context=_WIDE)


def total(amounts: Iterable[Decimal | int]) -> Decimal:
    """Add without losing a digit that the warehouse could hold."""
    result = Decimal(0)
    for amount in amounts:
        result = _WIDE.add(result, amount)
    return result
