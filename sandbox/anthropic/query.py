"""The parameters of a listing, read and checked as the published reference says. Pure.

Given a listing, the query string's pairs and the present; hands on a Query, or raises RefusedError (400). Names of
arrays end in brackets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import attrs

from sandbox.anthropic.answers import bad
from sandbox.anthropic.cursor import decode, foreign
from sandbox.anthropic.listings import BUCKETED, CLAUDE_CODE, FAST_MODE, WIDTHS, Listing

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SCALARS = {"starting_at", "ending_at", "limit", "page"}
_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
_MONTH, _YEAR = timedelta(days=31), timedelta(days=366)

Filters = tuple[tuple[str, frozenset[str]], ...]


@attrs.frozen
class Query:
    """A window of whole buckets of `width` seconds (0: one for all of it), listed from `position` on."""

    listing: Listing
    start: datetime
    end: datetime
    width: int
    group_by: tuple[str, ...]
    filters: Filters
    limit: int
    position: int


def parse_query(listing: Listing, pairs: Sequence[tuple[str, str]], now: datetime, betas: Sequence[str] = ()) -> Query:
    """Return the query; without `ending_at` it reaches to the present, the bucket that is still growing included."""
    given = _collect(listing, pairs)
    if listing is CLAUDE_CODE:
        return _of_a_day(given)
    width_name = _width(listing, given)
    width, limit = WIDTHS.get(width_name, 0), _limit(given, listing.limits[width_name])
    start = _snapped(_moment(given, "starting_at"), width)
    end = _moment(given, "ending_at") if "ending_at" in given else _growing(now, width)
    groups = _groups(listing, given)
    if ("speed" in groups or "speeds[]" in given) and FAST_MODE not in betas and listing in BUCKETED:
        raise bad("speed", f"needs the beta {FAST_MODE}")
    if listing in BUCKETED:
        position = _instant_of(given, start, width)
    else:
        position = _number_of(given)
        _within_reach(given, width, start, end, now)
    if end <= start:
        raise bad("ending_at", "must be after starting_at")
    return Query(listing, start, end, width, groups, _filters(listing, given), limit, position)


def _of_a_day(given: Mapping[str, list[str]]) -> Query:
    text = given.get("starting_at", [""])[0]
    try:
        day = date.fromisoformat(text) if len(text) == len("2026-01-01") else None
    except ValueError:
        day = None
    if day is None:
        raise bad("starting_at", "must be a day written YYYY-MM-DD")
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    limit = _limit(given, CLAUDE_CODE.limits[""])
    return Query(CLAUDE_CODE, start, start + timedelta(days=1), 86_400, (), (), limit, _number_of(given))


def _collect(listing: Listing, pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    scalars = _SCALARS | {_width_parameter(listing)}
    scalars -= {"ending_at"} if listing is CLAUDE_CODE else set()
    arrays = {f"{name}[]" for name in listing.filters} | ({"group_by[]"} if listing.groups else set())
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        if name not in scalars | arrays:
            raise bad(name, "Extra inputs are not permitted")
        if name in scalars and name in given:
            raise bad(name, "was given twice")
        given.setdefault(name, []).append(value)
    return given


def _width_parameter(listing: Listing) -> str:
    return "bucket_width" if listing in BUCKETED else "time_bucket_width"


def _width(listing: Listing, given: Mapping[str, list[str]]) -> str:
    name = _width_parameter(listing)
    default = "1d" if listing in BUCKETED else ""
    return _chosen(name, given.get(name, [default])[0], tuple(listing.limits))


def _moment(given: Mapping[str, list[str]], name: str) -> datetime:
    text = given.get(name, [""])[0]
    if not text:
        raise bad(name, "Field required")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise bad(name, "Input should be a valid datetime")
    return moment.astimezone(UTC)


def _snapped(moment: datetime, width: int) -> datetime:
    return moment - (moment - EPOCH) % timedelta(seconds=width) if width else moment


def _growing(now: datetime, width: int) -> datetime:
    """Return the end of the bucket that is still growing."""
    return _snapped(now, width) + timedelta(seconds=width)


def _limit(given: Mapping[str, list[str]], bounds: tuple[int, int]) -> int:
    default, most = bounds
    text = given.get("limit", [str(default)])[0]
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= most:
        raise bad("limit", f"Input should be between 1 and {most}")
    return int(text)


def _chosen(name: str, value: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise bad(name, f"Input should be {', '.join(repr(each) for each in allowed)}")
    return value


def _groups(listing: Listing, given: Mapping[str, list[str]]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(_chosen("group_by", name, listing.groups) for name in given.get("group_by[]", [])))
    if len(names) > listing.most_groups:
        raise bad("group_by", f"at most {listing.most_groups} items")
    return names


def _filters(listing: Listing, given: Mapping[str, list[str]]) -> Filters:
    filters = []
    for name, dimension in listing.filters.items():
        if values := given.get(f"{name}[]"):
            allowed = listing.values.get(name)
            wanted = frozenset(_chosen(name, value, allowed) if allowed else value for value in values)
            filters.append((dimension, wanted))
    return tuple(filters)


def _instant_of(given: Mapping[str, list[str]], start: datetime, width: int) -> int:
    """Return the second of the first bucket of the page."""
    first = int((start - EPOCH).total_seconds())
    if "page" not in given:
        return first
    try:
        moment = datetime.fromisoformat(decode(given["page"][0]))
        position = int((moment - EPOCH).total_seconds())
    except (ValueError, TypeError):
        raise foreign() from None
    if position < first or (position - first) % width:
        raise foreign()
    return position


def _number_of(given: Mapping[str, list[str]]) -> int:
    """Return how many rows come before the page."""
    if "page" not in given:
        return 0
    place = decode(given["page"][0])
    if not place.isdecimal():
        raise foreign()
    return int(place)


def _within_reach(given: Mapping[str, list[str]], width: int, start: datetime, end: datetime, now: datetime) -> None:
    if width and "ending_at" not in given:
        raise bad("ending_at", "is required with time_bucket_width")
    if end - start > _MONTH:
        raise bad("ending_at", "the range is at most 31 days")
    if start < _BEGINNING or start < now - _YEAR:
        raise bad("starting_at", "is before the data begin")
