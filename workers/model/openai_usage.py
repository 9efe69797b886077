"""OpenAI's usage results as rows of openai_usage_daily_raw: what each endpoint counts, and what must add up.

Source: the published specification of the organisation's usage API (2026-08-21), read with the facts that
`input_tokens` includes cached and cache-write tokens, and that results of one key may come in more than one piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from attrs import frozen

Result = Mapping[str, Any]
Row = dict[str, Any]


@frozen
class Endpoint:
    """One usage endpoint: how it may be grouped, and the count it has instead of tokens, with its unit."""

    name: str
    group_by: tuple[str, ...]
    counted: str = ""
    unit: str = ""


_BY_MODEL = ("project_id", "api_key_id", "model")

ENDPOINTS = (
    Endpoint("completions", (*_BY_MODEL, "batch", "service_tier")),
    Endpoint("embeddings", _BY_MODEL),
    Endpoint("moderations", _BY_MODEL),
    Endpoint("images", _BY_MODEL, "images", "images"),
    Endpoint("audio_speeches", _BY_MODEL, "characters", "characters"),
    Endpoint("audio_transcriptions", _BY_MODEL, "seconds", "seconds"),
    Endpoint("vector_stores", ("project_id",), "usage_bytes", "bytes"),
    Endpoint("code_interpreter_sessions", ("project_id",), "num_sessions", "sessions"),
    Endpoint("file_search_calls", ("project_id", "api_key_id"), "num_requests", "calls"),
    Endpoint("web_search_calls", _BY_MODEL, "num_requests", "calls"),
)

DIMENSIONS = ("model", "project_id", "user_id", "api_key_id", "batch", "service_tier")
TOKENS = (
    "input_tokens",
    "input_cached_tokens",
    "input_uncached_tokens",
    "input_cache_write_tokens",
    "input_audio_tokens",
    "input_cached_audio_tokens",
    "output_tokens",
    "output_audio_tokens",
)


def row_of(endpoint: Endpoint, result: Result) -> Row:
    """Map one result; what has no column of its own stands in `raw`. Raises ValueError when a count is not one."""
    row: Row = {"endpoint": endpoint.name}
    row |= {name: _dimension(result, name) for name in DIMENSIONS}
    row |= {name: _count(result, name) for name in TOKENS}
    row["requests"] = _count(result, "num_model_requests")
    counted = _count(result, endpoint.counted) if endpoint.counted else None
    row["quantity"] = None if counted is None else Decimal(counted)
    row["quantity_unit"] = endpoint.unit or None
    known = {*DIMENSIONS, *TOKENS, "num_model_requests", endpoint.counted, "object"}
    row["raw"] = {name: value for name, value in result.items() if name not in known and value is not None}
    return row


def summed(rows: Iterable[Row]) -> Iterator[Row]:
    """Add rows of one endpoint and dimensions together: the provider may give one key in several pieces."""
    by_key: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        key = (row["endpoint"], *(row[name] for name in DIMENSIONS))
        by_key[key] = _add(by_key[key], row) if key in by_key else row
    yield from by_key.values()


def breaks_identity(result: Result) -> bool:
    """Whether a completions result contradicts itself.

    Results without `input_uncached_tokens` follow the older reading, of which no identity is documented.
    """
    if result.get("input_uncached_tokens") is None:
        return False
    parts = ("input_cached_tokens", "input_cache_write_tokens", "input_uncached_tokens")
    if _number(result, "input_tokens") != sum(_number(result, part) for part in parts):
        return True
    kinds = ("input_text_tokens", "input_audio_tokens", "input_image_tokens")
    if result.get("input_text_tokens") is None:
        return False
    return _number(result, "input_uncached_tokens") != sum(_number(result, kind) for kind in kinds)


def _add(left: Row, right: Row) -> Row:
    total = dict(left)
    for name in (*TOKENS, "requests", "quantity"):
        total[name] = _plus(left[name], right[name])
    total["raw"] = left["raw"] | {name: _merged(left["raw"].get(name), value) for name, value in right["raw"].items()}
    return total


def _merged(left: Any, right: Any) -> Any:
    both_count = all(isinstance(value, int) and not isinstance(value, bool) for value in (left, right))
    return left + right if both_count else right


def _plus(left: Any, right: Any) -> Any:
    if left is None or right is None:
        return right if left is None else left
    return left + right


def _dimension(result: Result, name: str) -> Any:
    value = result.get(name)
    wanted = bool if name == "batch" else str
    if value is not None and not isinstance(value, wanted):
        raise ValueError(f"{name} is {type(value).__name__}")
    return value


def _count(result: Result, name: str) -> int | None:
    value = result.get(name)
    if value is None:
        return None
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{name} is not a whole number")  # noqa: TRY004 - one kind of fault for a bad result
    return value


def _number(result: Result, name: str) -> int:
    return _count(result, name) or 0
