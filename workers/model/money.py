"""Money as exact decimals: never a float, nine places like the warehouse's NUMERIC."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

PLACES = Decimal("0.000000001")
LARGEST = Decimal(10) ** 29


def exact(value: Any) -> Decimal:
    """Return a provider's amount, given as a JSON number or as decimal text; raise ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise ValueError(  # noqa: TRY004 - the same fault for whoever reads a provider
            f"an amount is a number or decimal text, not {type(value).__name__}"
        )
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise ValueError("an amount is a number or decimal text") from None
    if not amount.is_finite() or abs(amount) >= LARGEST:
        raise ValueError("an amount is finite and below 10^29")
    return amount


def stored(amount: Decimal) -> Decimal:
    """Round to what the warehouse holds, half to even; do it once, after summing."""
    return amount.quantize(PLACES, rounding=ROUND_HALF_EVEN)
