"""Pages of a listing, as bytes in pieces.

Given a source of records and a scale; hands on what a query gets. With a scale of N every API key stands for N keys of
the same usage, numbered behind its id: rows are written once and copied, so a million of them cost little. A filter on
a key then means all of its copies.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import Enum

from sandbox.openai.cursor import encode
from sandbox.openai.query import Query
from sandbox.openai.rows import Row, result_rows
from sandbox.records import DAY, Record, Source

_COPY = "#copy#"
_REMEMBERED = 1_024


class Ending(Enum):
    """How a page says what comes next: as it should, or in one of the ways that have gone wrong."""

    TRUE = "true"
    REPEATED_CURSOR = "repeated_cursor"
    LOST_CURSOR = "lost_cursor"

    @classmethod
    def of(cls, kind: str) -> Ending:
        """Return the ending that a kind of fault wants."""
        return cls(kind) if kind in {"repeated_cursor", "lost_cursor"} else cls.TRUE


class Pages:
    """Writes pages; what it has written of a bucket that is over it remembers."""

    def __init__(self, source: Source, scale: int = 1) -> None:
        self._source = source
        self._scale = scale
        self._written: dict[tuple[object, ...], bytes] = {}

    def page(self, query: Query, ending: Ending = Ending.TRUE) -> Iterator[bytes]:
        """Give the page in pieces, one bucket or a few thousand rows at a time."""
        yield b'{"object":"page","data":['
        for place, begin in enumerate(self._buckets(query)):
            start, end = max(begin, query.start), min(begin + query.width, query.end)
            yield (b"," if place else b"") + b'{"object":"bucket","start_time":%d,"end_time":%d,"results":[' % (
                start,
                end,
            )
            yield from self._results(query, start, end)
            yield b"]}"
        more, cursor = _next(query, ending)
        yield b'],"has_more":%s,"next_page":%s}' % (json.dumps(more).encode(), json.dumps(cursor).encode())

    def _buckets(self, query: Query) -> range:
        last = min(query.position + query.limit * query.width, query.end)
        return range(query.position, last, query.width)

    def _results(self, query: Query, start: int, end: int) -> Iterator[bytes]:
        rows = self._rows(query, start, end)
        if not rows or self._scale == 1 or "api_key_id" not in query.group_by:
            yield rows
            return
        for copy in range(self._scale):
            yield (b"," if copy else b"") + rows.replace(_COPY.encode(), b"_%06d" % copy if copy else b"")

    def _rows(self, query: Query, start: int, end: int) -> bytes:
        records = self._records(query, start, end)
        key = (query.endpoint.path, query.group_by, query.filters, start, end, len(records))
        if key not in self._written:
            if len(self._written) >= _REMEMBERED:
                self._written.clear()
            self._written[key] = self._write(query, records)
        return self._written[key]

    def _write(self, query: Query, records: list[Record]) -> bytes:
        copied = self._scale > 1 and "api_key_id" in query.group_by
        times = 1 if copied else self._scale
        rows = [_marked(row) if copied else row for row in result_rows(query.endpoint, query.group_by, records, times)]
        return ",".join(json.dumps(row, separators=(",", ":"), default=str) for row in rows).encode()

    def _records(self, query: Query, start: int, end: int) -> list[Record]:
        day, first = divmod(start, DAY)
        last = first + end - start
        return [
            record
            for record in self._source.records(query.endpoint.name, datetime.fromtimestamp(day * DAY, UTC).date())
            if first <= record.second < last
            and all(record.dimensions.get(name) in wanted for name, wanted in query.filters)
        ]


def _marked(row: Row) -> Row:
    return {**row, "api_key_id": f"{row['api_key_id']}{_COPY}"} if row["api_key_id"] else row


def _next(query: Query, ending: Ending) -> tuple[bool, str | None]:
    match ending:
        case Ending.LOST_CURSOR:
            return True, None
        case Ending.REPEATED_CURSOR:
            return True, encode(query.asked_at, query.digest, query.position)
        case Ending.TRUE:
            position = query.position + query.limit * query.width
            more = position < query.end
            return more, encode(query.asked_at, query.digest, position) if more else None
