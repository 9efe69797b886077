"""The parameters of a listing, read and checked as the specification says. Pure.

Given an endpoint, the query string's pairs and the current time; hands on a Query, or raises RefusedError (400).
Arrays may come repeated (`a=x&a=y`), bracketed (`a[]=x`) or comma separated (`a=x,y`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import attrs

from sandbox.openai.answers import RefusedError
from sandbox.openai.cursor import decode
from sandbox.openai.endpoints import WIDTHS, Endpoint
from sandbox.records import Dimension

_SCALARS = ("start_time", "end_time", "bucket_width", "limit", "page", "batch")

_DIGITS = 11  # of a time that a calendar still has

Filters = tuple[tuple[str, frozenset[Dimension]], ...]


@attrs.frozen
class Query:
    """A window of Unix seconds in buckets of `width`, listed from the bucket that begins at `position`."""

    endpoint: Endpoint
    start: int
    end: int
    width: int
    group_by: tuple[str, ...]
    filters: Filters
    limit: int
    position: int
    asked_at: int
    digest: bytes


def parse_query(endpoint: Endpoint, pairs: Sequence[tuple[str, str]], now: int) -> Query:
    """Return the query; without `end_time` the window ends at the time of its first page."""
    given = _collect(endpoint, pairs)
    start = _integer(given, "start_time")
    if start is None:
        raise _bad("Missing required parameter: 'start_time'.", "start_time", "missing_required_parameter")
    width_name = _chosen("bucket_width", (given.get("bucket_width") or ["1d"])[0], tuple(endpoint.limits))
    width, first = WIDTHS[width_name], start - start % WIDTHS[width_name]
    digest = _digest(endpoint, given)
    asked_at, position = decode(given["page"][0], digest) if "page" in given else (now, first)
    end = _end(_integer(given, "end_time"), start, asked_at)
    if position % width or not first <= position < end:
        raise _bad("Invalid 'page': it does not belong to this query.", "page", "invalid_value")
    return Query(
        endpoint=endpoint,
        start=start,
        end=end,
        width=width,
        group_by=tuple(
            dict.fromkeys(_chosen("group_by", each, endpoint.dimensions) for each in _list(given, "group_by"))
        ),
        filters=_filters(endpoint, given),
        limit=_limit(_integer(given, "limit"), endpoint.limits[width_name]),
        position=position,
        asked_at=asked_at,
        digest=digest,
    )


def _collect(endpoint: Endpoint, pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    given: dict[str, list[str]] = {}
    for raw, value in pairs:
        name = raw.removesuffix("[]")
        if name not in {"start_time", "end_time", "bucket_width", "limit", "page", "group_by", *endpoint.filters}:
            raise _bad(f"Unknown parameter: '{raw}'.", raw, "unknown_parameter")
        if name in _SCALARS and name in given:
            raise _bad(f"Invalid '{name}': it was given twice.", name, "invalid_value")
        given.setdefault(name, []).append(value)
    return given


def _list(given: Mapping[str, list[str]], name: str) -> list[str]:
    return [part for value in given.get(name, []) for part in value.split(",")]


def _integer(given: Mapping[str, list[str]], name: str) -> int | None:
    if name not in given:
        return None
    text = given[name][0]
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
        raise _bad(f"Invalid type for '{name}': expected an integer, but got '{text}' instead.", name, "invalid_type")
    return int(text)


def _chosen(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value in allowed:
        return value
    supported = ", ".join(f"'{each}'" for each in allowed)
    raise _bad(f"Invalid value: '{value}'. Supported values are: {supported}.", name, "invalid_value")


def _end(end: int | None, start: int, asked_at: int) -> int:
    end = asked_at if end is None else end
    if end <= start:
        raise _bad("Invalid 'end_time': it must be after 'start_time'.", "end_time", "invalid_value")
    return end


def _limit(limit: int | None, bounds: tuple[int, int]) -> int:
    default, most = bounds
    if limit is None:
        return default
    if not 1 <= limit <= most:
        side, code = ("<= " + str(most), "above_max") if limit > most else (">= 1", "below_min")
        raise _bad(
            f"Invalid 'limit': expected a value {side}, but got {limit} instead.", "limit", f"integer_{code}_value"
        )
    return limit


def _filters(endpoint: Endpoint, given: Mapping[str, list[str]]) -> Filters:
    filters: list[tuple[str, frozenset[Dimension]]] = []
    for name, dimension in endpoint.filters.items():
        if values := _list(given, name):
            allowed = endpoint.values.get(name)
            checked = [_chosen(name, value, allowed) if allowed else value for value in values]
            wanted = frozenset[Dimension](value == "true" if name == "batch" else value for value in checked)
            filters.append((dimension, wanted))
    return tuple(filters)


def _digest(endpoint: Endpoint, given: Mapping[str, list[str]]) -> bytes:
    """Bind a cursor to every other parameter, however arrays are written."""
    others = sorted((name, tuple(_list(given, name))) for name in given if name != "page")
    return hashlib.sha256(repr((endpoint.path, others)).encode()).digest()[:4]


def _bad(message: str, param: str, code: str) -> RefusedError:
    return RefusedError(400, message, param=param, code=code)
