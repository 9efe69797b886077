"""Anthropic's usage results as rows of anthropic_usage_daily_raw.

Sources: the published reference of the Messages usage report (spring to autumn 2026) and, for the newer analytics rows,
the provider's Python SDK 2.12.0. The four input counts are disjoint: their sum is all input. A dimension is null where
it was not grouped by, and where it has a meaning of its own (the default workspace, usage without an API key), so
`grouped_by` is kept beside it. The Messages report counts no requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from workers.model.counts import Result, Row, added, count_of, inside, text_of

DIMENSIONS = (
    "model",
    "workspace_id",
    "api_key_id",
    "account_id",
    "service_account_id",
    "service_tier",
    "context_window",
    "inference_geo",
    "speed",
)
# Column → where the count stands in a result.
COUNTS = {
    "uncached_input_tokens": ("uncached_input_tokens",),
    "cache_write_5m_tokens": ("cache_creation", "ephemeral_5m_input_tokens"),
    "cache_write_1h_tokens": ("cache_creation", "ephemeral_1h_input_tokens"),
    "cache_read_tokens": ("cache_read_input_tokens",),
    "output_tokens": ("output_tokens",),
    "web_search_requests": ("server_tool_use", "web_search_requests"),
    "requests": ("requests",),
}


def row_of(result: Result, grouped_by: Sequence[str]) -> Row:
    """Map one result; what has no column of its own stands in `raw`. Raises ValueError when a count is not one."""
    row: Row = {name: text_of(result, name) for name in DIMENSIONS}
    for column, path in COUNTS.items():
        row[column] = count_of(inside(result, *path[:-1]), path[-1])
    row["grouped_by"] = ",".join(sorted(grouped_by))
    row["raw"] = dict(_unknown(result))
    return row


def summed(rows: Iterable[Row]) -> Iterator[Row]:
    """Add rows of the same dimensions together."""
    return added(rows, DIMENSIONS, tuple(COUNTS))


def flat(row: Result, metrics: str) -> dict[str, Any]:
    """Return a row of the analytics endpoints as a result: its metrics with its group beside them."""
    found: dict[str, Any] = {}
    for name in (metrics, "group"):
        if row.get(name) is None:
            raise ValueError(f"a row has no {name}")
        found |= inside(row, name)
    return found


def _unknown(result: Result) -> Iterator[tuple[str, Any]]:
    """Yield what has no column; of the objects that have columns inside, only what is new in them."""
    nested = {path[0]: {other[-1] for other in COUNTS.values() if other[0] == path[0]} for path in COUNTS.values()}
    for name, value in result.items():
        if isinstance(value, Mapping) and name in nested:
            left = {key: inner for key, inner in value.items() if key not in nested[name] and inner is not None}
            if left:
                yield name, left
        elif name not in nested and name not in DIMENSIONS and value is not None:
            yield name, value
