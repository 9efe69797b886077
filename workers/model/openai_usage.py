"""OpenAI's usage results as rows of openai_usage_daily_raw: what each endpoint counts, and what must add up.

Source: the published specification of the organisation's usage API (2026-08-21), read with the facts that
`input_tokens` includes cached and cache-write tokens, and that results of one key may come in more than one piece.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from attrs import frozen

Result = Mapping[str, Any]
Row = dict[str, Any]


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


LARGEST = 2**63 - 1

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
    row |= {name: _count(result, name) for name in TOKENS}
    row["requests"] = _count(result, "num_model_requests")
    counted = _count(result, endpoint.counted) if endpoint.counted else None
    row["quantity"] = None if counted is None else Decimal(counted)
    row["quantity_unit"] = endpoint.unit or None
    known = {*DIMENSIONS, *TOKENS, "num_model_requests", endpoint.counted, "object"}
    row["raw"] = {name: value for name, value in result.items() if name not in known and value is not None}
    return row


def summed(rows: Iterable[Row]) -> Iterator[Row]:
    """Add rows of one endpoint and dimensions together, in any order: the provider may give one key in pieces."""
    by_key: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        by_key.setdefault((row["endpoint"], *(row[name] for name in DIMENSIONS)), []).append(row)
    for pieces in by_key.values():
        yield pieces[0] if len(pieces) == 1 else _together(pieces)


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


def _together(pieces: Sequence[Row]) -> Row:
    total = dict(pieces[0])
    for name in (*TOKENS, "requests", "quantity"):
        counts = [piece[name] for piece in pieces if piece[name] is not None]
        total[name] = sum(counts) if counts else None
    names = sorted({name for piece in pieces for name in piece["raw"]})
    total["raw"] = {name: _one_of([piece["raw"][name] for piece in pieces if name in piece["raw"]]) for name in names}
    return total


def _one_of(values: Sequence[Any]) -> Any:
    """Return what values of one unknown field come to: numbers add up, what differs otherwise is listed."""
    if all(isinstance(value, int | Decimal) and not isinstance(value, bool) for value in values):
        return sum(values)
    distinct = {json.dumps(value, sort_keys=True, default=str): value for value in values}
    return values[0] if len(distinct) == 1 else [distinct[text] for text in sorted(distinct)]


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
    if not _is_whole(value):
        raise ValueError(f"{name} is not a whole number that can be kept")
    return int(value)


def _whole(value: Any) -> int:
    """Return a count that was not checked, 0 for what is none."""
    return int(value) if _is_whole(value) else 0


def _is_whole(value: Any) -> bool:
    """Whether it is a whole number of 64 bits; compared before it is expanded, for 1e999999999 is a Decimal too."""
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return is_number and abs(value) <= LARGEST and value == int(value)
