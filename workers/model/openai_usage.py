"""OpenAI's usage results as rows of openai_usage_daily_raw: what each endpoint counts, and what must add up.

Source: the published specification of the organisation's usage API (2026-08-21), read with the facts that
`input_tokens` includes cached and cache-write tokens, and that results of one key may come in more than one piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from attrs import frozen

from workers.model.counts import Result, Row, added, count_of, is_whole


@frozen
class Endpoint:
    """One usage endpoint: how it may be grouped, and the count it has instead of tokens, with its unit.

    `buckets` are the days that are asked for at once: the most there may be, fewer where results are many and large.
    """

    name: str
    group_by: tuple[str, ...]
    counted: str = ""
    unit: str = ""
    buckets: int = 31


_BY_MODEL = ("project_id", "api_key_id", "model")

ENDPOINTS = (
    Endpoint("completions", (*_BY_MODEL, "batch", "service_tier"), buckets=7),
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

# A whole, the parts without which it is not judged, and parts that are none when they are not mentioned.
_IDENTITIES = (
    ("input_tokens", ("input_uncached_tokens",), ("input_cached_tokens", "input_cache_write_tokens")),
    ("input_uncached_tokens", ("input_text_tokens", "input_audio_tokens", "input_image_tokens"), ()),
    ("input_cached_tokens", ("input_cached_text_tokens", "input_cached_audio_tokens", "input_cached_image_tokens"), ()),
    ("output_tokens", ("output_text_tokens", "output_audio_tokens", "output_image_tokens"), ()),
)


def row_of(endpoint: Endpoint, result: Result) -> Row:
    """Map one result; what has no column of its own stands in `raw`. Raises ValueError when a count is not one."""
    row: Row = {"endpoint": endpoint.name}
    row |= {name: _dimension(result, name) for name in DIMENSIONS}
    row |= {name: count_of(result, name) for name in TOKENS}
    row["requests"] = count_of(result, "num_model_requests")
    counted = count_of(result, endpoint.counted) if endpoint.counted else None
    row["quantity"] = None if counted is None else Decimal(counted)
    row["quantity_unit"] = endpoint.unit or None
    known = {*DIMENSIONS, *TOKENS, "num_model_requests", endpoint.counted, "object"}
    row["raw"] = {name: value for name, value in result.items() if name not in known and value is not None}
    return row


def summed(rows: Iterable[Row]) -> Iterator[Row]:
    """Add rows of one endpoint and dimensions together, in any order: the provider may give one key in pieces."""
    return added(rows, ("endpoint", *DIMENSIONS), (*TOKENS, "requests", "quantity"))


def breaks_identity(result: Result) -> bool:
    """Whether a result contradicts itself: a count below zero, or a whole that is not the sum of its parts.

    Each whole is judged by itself, and only when it and its parts are there: results without `input_uncached_tokens`
    follow an older reading, of which no identity of the input is documented.
    """
    if any(_whole(value) < 0 for value in result.values() if value is not None and not isinstance(value, bool | str)):
        return True
    return any(
        all(result.get(name) is not None for name in (whole, *needed))
        and _whole(result.get(whole)) != sum(_whole(result.get(part)) for part in (*needed, *others))
        for whole, needed, others in _IDENTITIES
    )


def _dimension(result: Result, name: str) -> Any:
    value = result.get(name)
    wanted = bool if name == "batch" else str
    if value is not None and not isinstance(value, wanted):
        raise ValueError(f"{name} is {type(value).__name__}")
    return value


def _whole(value: Any) -> int:
    """Return a count that was not checked, 0 for what is none."""
    return int(value) if is_whole(value) else 0
