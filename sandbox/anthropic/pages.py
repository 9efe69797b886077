"""Pages of every listing. Given a source of records and the present; hands on what a query gets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from sandbox.anthropic import rows
from sandbox.anthropic.cursor import encode
from sandbox.anthropic.listings import BUCKETED, CLAUDE_CODE, COSTS, USAGE_ROWS
from sandbox.anthropic.query import EPOCH, Query
from sandbox.records import DAY, Record, Source

KINDS = ("missing_bucket", "negative_count")  # faults of this provider's own: a day left out, a count below zero
_REFRESHED = timedelta(hours=4)

Document = dict[str, Any]


class Pages:
    """Writes pages, as they should be or as a kind of fault wants them."""

    def __init__(self, source: Source, now: Callable[[], datetime]) -> None:
        self._source = source
        self._now = now

    def page(self, query: Query, kind: str = "") -> bytes:
        """Return a page."""
        if query.listing in BUCKETED:
            document = self._buckets(query)
        elif query.listing is CLAUDE_CODE:
            document = _slice(
                query, [record.extras for record in self._source.records("claude_code", query.start.date())]
            )
        else:
            refreshed = (self._now() - _REFRESHED).replace(minute=0, second=0, microsecond=0)
            document = _slice(query, list(self._flat(query))) | {"data_refreshed_at": _text(refreshed)}
        return json.dumps(_broken(document, kind, query), separators=(",", ":")).encode()

    def _buckets(self, query: Query) -> Document:
        """List the buckets that end by `ending_at` and have begun."""
        width, end = query.width, int((query.end - EPOCH).total_seconds())
        present = int((self._now() - EPOCH).total_seconds())
        starts = range(query.position, min(end - end % width, -(-present // width) * width), width)
        shown = starts[: query.limit]
        more = len(starts) > len(shown)
        following = _text(EPOCH + timedelta(seconds=shown[-1] + width)) if more else None
        write = rows.cost_row if query.listing is COSTS else rows.usage_row
        data = [
            {
                "starting_at": _text(EPOCH + timedelta(seconds=start)),
                "ending_at": _text(EPOCH + timedelta(seconds=start + width)),
                "results": [write(key, of) for key, of in rows.grouped(query.group_by, self._records(query, start))],
            }
            for start in shown
        ]
        return {"data": data, "has_more": more, "next_page": encode(following) if following else None}

    def _flat(self, query: Query) -> Iterator[Document]:
        """Give a row for each bucket and group; a bucket without usage has none."""
        first, end = (int((moment - EPOCH).total_seconds()) for moment in (query.start, query.end))
        width = query.width or end - first
        name, metrics = ("usage", rows.usage_metrics) if query.listing is USAGE_ROWS else ("cost", rows.cost_metrics)
        for start in range(first, end, width):
            between = {
                "starting_at": _text(EPOCH + timedelta(seconds=start)),
                "ending_at": _text(EPOCH + timedelta(seconds=min(start + width, end))),
            }
            for key, of in rows.grouped(query.group_by, self._records(query, start, min(width, end - start))):
                yield {**between, "group": dict(key), name: metrics(of)}

    def _records(self, query: Query, start: int, width: int = 0) -> list[Record]:
        end = start + (width or query.width)
        found = []
        for day in range(start // DAY, -(-end // DAY)):
            listed = self._source.records(query.listing.source, (EPOCH + timedelta(days=day)).date())
            found += [record for record in listed if start <= day * DAY + record.second < end]
        return [record for record in found if _wanted(query, record.dimensions)]


def _wanted(query: Query, dimensions: Mapping[str, Any]) -> bool:
    return all(dimensions.get(name) in wanted for name, wanted in query.filters)


def _slice(query: Query, data: list[Any]) -> Document:
    end = query.position + query.limit
    more = end < len(data)
    return {"data": data[query.position : end], "has_more": more, "next_page": encode(str(end)) if more else None}


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _broken(document: Document, kind: str, query: Query) -> Document:
    match kind:
        case "lost_cursor":
            return document | {"has_more": True, "next_page": None}
        case "repeated_cursor":
            here = (
                _text(EPOCH + timedelta(seconds=query.position)) if query.listing in BUCKETED else str(query.position)
            )
            return document | {"has_more": True, "next_page": encode(here)}
        case "missing_bucket":
            return document | {"data": document["data"][1:]}
        case "negative_count":
            results = [result for bucket in document["data"] for result in bucket["results"]]
            for result in results[:1]:
                result["output_tokens"] = -1
    return document
