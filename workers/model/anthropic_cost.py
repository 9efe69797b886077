"""What Anthropic reports as cost, as rows of anthropic_provider_cost_daily.

Sources: the published reference of the cost report and, for the newer analytics rows, the provider's Python SDK 2.12.0.
An amount is decimal text in cents, with a fraction. Priority Tier is paid in advance and in no cost report.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from workers.model.counts import Result, Row, text_of
from workers.model.money import from_cents, stored, total

# Column → field of a result.
DIMENSIONS = {
    "line_item": "description",
    "workspace_id": "workspace_id",
    "cost_type": "cost_type",
    "token_type": "token_type",
    "model": "model",
    "service_tier": "service_tier",
    "context_window": "context_window",
    "inference_geo": "inference_geo",
}


def row_of(result: Result) -> Row:
    """Map one result, its amounts in whole units of its currency; raises ValueError when it has none that is exact."""
    row: Row = {column: text_of(result, name) for column, name in DIMENSIONS.items()}
    if result.get("amount") is None:
        raise ValueError("a cost has no amount")
    row["amount"] = from_cents(result["amount"])
    listed = result.get("list_amount")
    row["list_amount"] = None if listed is None else from_cents(listed)
    row["currency"] = (text_of(result, "currency") or "USD").upper()
    return row


def summed(rows: Iterable[Row]) -> Iterator[Mapping[str, Any]]:
    """Add rows of one key together, and round once."""
    by_key: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        by_key.setdefault(tuple(row[name] for name in (*DIMENSIONS, "currency")), []).append(row)
    for pieces in by_key.values():
        amounts = {name: _sum(piece[name] for piece in pieces) for name in ("amount", "list_amount")}
        yield {**pieces[0], **amounts}


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    given = [amount for amount in amounts if amount is not None]
    return stored(total(given)) if given else None
