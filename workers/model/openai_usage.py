"""OpenAI's usage results as rows of openai_usage_daily_raw: what each endpoint counts, and what must add up.

Source: the published specification of the organisation's usage API (2026-08-21), read with the facts that
`input_tokens` includes cached and cache-write tokens, and that results of one key may come in more than one piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from attrs import field, frozen

from workers.model.counts import LARGEST, Result, Row, added, count_of, is_whole

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


class _Elsewhere:
    """The type of nothing: of values that no column of their name takes."""


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
    kinds: Mapping[str, type] = field(init=False, repr=False, eq=False)
    """What is known of a result, with the type of its values."""
    blank: Row = field(init=False, repr=False, eq=False)
    """A row without any value."""

    @kinds.default
    def _known(self) -> Mapping[str, type]:
        elsewhere = dict.fromkeys(("num_model_requests", self.counted, "object"), _Elsewhere)
        return dict.fromkeys(DIMENSIONS, str) | {"batch": bool} | dict.fromkeys(TOKENS, int) | elsewhere

    @blank.default
    def _without_values(self) -> Row:
        names = (*DIMENSIONS, *TOKENS, "requests", "quantity")
        return {"endpoint": self.name, **dict.fromkeys(names), "quantity_unit": self.unit or None}


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

_NO_COUNTS = frozenset({type(None), bool, str})
# A whole, the parts without which it is not judged, and parts that are none when they are not mentioned.
_IDENTITIES = (
    ("input_tokens", ("input_uncached_tokens",), ("input_cached_tokens", "input_cache_write_tokens")),
    ("input_uncached_tokens", ("input_text_tokens", "input_audio_tokens", "input_image_tokens"), ()),
    ("input_cached_tokens", ("input_cached_text_tokens", "input_cached_audio_tokens", "input_cached_image_tokens"), ()),
    ("output_tokens", ("output_text_tokens", "output_audio_tokens", "output_image_tokens"), ()),
)


def row_of(endpoint: Endpoint, result: Result, blank: Row | None = None) -> Row:
    """Map one result; what has no column of its own stands in `raw`.

    The row begins as `blank`: the endpoint's, or that with further columns. Raises ValueError when a count is not one.
    """
    row, raw, kinds = dict(blank or endpoint.blank), {}, endpoint.kinds
    for name, value in result.items():
        if value is None:
            continue
        kind = kinds.get(name)
        if kind is None:
            raw[name] = value
        elif kind is int:
            # A plain one is seen to be one without a call for each of many million.
            plain = value.__class__ is int and -LARGEST <= value <= LARGEST
            row[name] = value if plain else count_of(result, name)
        elif isinstance(value, kind):
            row[name] = value
        elif kind is not _Elsewhere:
            raise ValueError(f"{name} is {type(value).__name__}")
    row["requests"] = count_of(result, "num_model_requests")
    counted = count_of(result, endpoint.counted) if endpoint.counted else None
    row["quantity"] = None if counted is None else Decimal(counted)
    row["raw"] = raw
    return row


def summed(rows: Iterable[Row]) -> Iterator[Row]:
    """Add rows of one endpoint and dimensions together, in any order: the provider may give one key in pieces."""
    return added(rows, ("endpoint", *DIMENSIONS), (*TOKENS, "requests", "quantity"))


def breaks_identity(result: Result) -> bool:
    """Whether a result contradicts itself: a count below zero, or a whole that is not the sum of its parts.

    Each whole is judged by itself, and only when it and its parts are there: results without `input_uncached_tokens`
    follow an older reading, of which no identity of the input is documented.
    """
    for value in result.values():
        kind = value.__class__
        if (value if kind is int else 0 if kind in _NO_COUNTS else _whole(value)) < 0:
            return True
    return any(_contradicts(result, whole, needed, others) for whole, needed, others in _IDENTITIES)


def _contradicts(result: Result, whole: str, needed: tuple[str, ...], others: tuple[str, ...]) -> bool:
    total = result.get(whole)
    if total is None:
        return False
    found = 0
    for name in needed:
        part = result.get(name)
        if part is None:
            return False
        found += part if part.__class__ is int else _whole(part)
    for name in others:
        part = result.get(name)
        if part is not None:
            found += part if part.__class__ is int else _whole(part)
    return bool(found != (total if total.__class__ is int else _whole(total)))


def _whole(value: Any) -> int:
    """Return a count that was not checked, 0 for what is none."""
    return int(value) if is_whole(value) else 0
