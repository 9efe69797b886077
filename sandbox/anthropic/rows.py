"""Records grouped, summed and written as each report writes them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sandbox.anthropic.listings import COST_DETAILS, USAGE_DIMENSIONS
from sandbox.records import Record

Row = dict[str, Any]


def grouped(group_by: Sequence[str], records: Sequence[Record]) -> Iterator[tuple[Mapping[str, Any], list[Record]]]:
    """Give the groups in the order of their keys."""
    groups: dict[tuple[Any, ...], list[Record]] = {}
    for record in records:
        groups.setdefault(tuple(record.dimensions.get(name) for name in group_by), []).append(record)
    for key in sorted(groups, key=repr):
        yield dict(zip(group_by, key, strict=True)), groups[key]


def counts(records: Sequence[Record]) -> Row:
    """Write the counts of usage; the four of input are disjoint."""

    def of(name: str) -> int:
        return sum(int(record.counts.get(name, 0)) for record in records)

    return {
        "uncached_input_tokens": of("uncached_input_tokens"),
        "cache_creation": {
            "ephemeral_1h_input_tokens": of("ephemeral_1h_input_tokens"),
            "ephemeral_5m_input_tokens": of("ephemeral_5m_input_tokens"),
        },
        "cache_read_input_tokens": of("cache_read_input_tokens"),
        "output_tokens": of("output_tokens"),
        "server_tool_use": {"web_search_requests": of("web_search_requests")},
    }


def usage_row(key: Mapping[str, Any], records: Sequence[Record]) -> Row:
    """Write a result of the Messages report; what was not grouped by is null, the beta's `speed` is absent."""
    shown = [name for name in USAGE_DIMENSIONS if name != "speed" or "speed" in key]
    return counts(records) | {name: key.get(name) for name in shown}


def cost_row(key: Mapping[str, Any], records: Sequence[Record]) -> Row:
    """Write a result of the cost report; a line's details come with its description."""
    details = {name: records[0].dimensions.get(name) for name in COST_DETAILS} if "description" in key else {}
    said = {name: details.get(name) for name in COST_DETAILS} | {"workspace_id": key.get("workspace_id")}
    return {"amount": cents(records), "currency": "USD", **said}


def usage_metrics(records: Sequence[Record]) -> Row:
    """Write the usage of a flat row, which counts requests."""
    found = counts(records)
    tokens = [found["uncached_input_tokens"], found["cache_read_input_tokens"], found["output_tokens"]]
    requests = sum(int(record.counts.get("requests", 0)) for record in records)
    return found | {"total_tokens": sum((*tokens, *found["cache_creation"].values())), "requests": requests}


def cost_metrics(records: Sequence[Record]) -> Row:
    """Write the cost of a flat row; this organisation has no discount."""
    return {"amount": cents(records), "list_amount": cents(records), "currency": "USD", "requests": None}


def cents(records: Sequence[Record]) -> str:
    """Write the sum of amounts as the API does: decimal text in cents, with a fraction where there is one."""
    total = sum((Decimal(record.counts["amount"]) for record in records), Decimal(0))
    return f"{total.normalize():f}"
