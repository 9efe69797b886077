"""What a provider may answer, as one table: refused with a class of its own, or taken exactly; never a part of it.

Each row goes through the extractor as it is declared, the real reader and a server on loopback that sends what no HTTP
library would. What takes time of its own (hangs, drips, floods) is a matter of the reader alone: tests/unit/rest.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.fakes import hostile_provider as hostile
from tests.fakes.hostile_provider import Behaviour, answer, encoded, promised, raw, rows, text
from tests.fakes.rows_of import refused_as_bigquery_would
from tests.unit.processors.generic.conftest import Bench
from workers.model.failure import FailedError, Reason

BAD, AWAY, UNFIT = Reason.PROVIDER_BAD_RESPONSE, Reason.PROVIDER_UNAVAILABLE, Reason.DATA_INVALID
SCHEMA = """\
{"table": "vendor_users_raw", "description": "Usage.", "columns": [
  {"name": "id", "type": "INT64", "mode": "REQUIRED", "description": "Id"},
  {"name": "name", "type": "STRING", "description": "Name"},
  {"name": "cost", "type": "NUMERIC", "description": "Cost"},
  {"name": "at", "type": "TIMESTAMP", "description": "When"},
  {"name": "raw_data", "type": "JSON", "description": "As it came"}
]}
"""
CONFIG = """\
url: "{url}/v1/users"
data_path: data
max_page_mb: 1
auth: {type: bearer, provider: VENDOR_API}
destination: {table: vendor_users_raw, key_fields: [id]}
"""
BY_LINK = f"{CONFIG}pagination: {{type: link, response_path: next}}\n"
BY_CURSOR = f"{CONFIG}pagination: {{type: cursor, param: after, response_path: next}}\n"
ROW = {"id": 1, "name": "Ada"}
GOOD = json.dumps({"data": [ROW]}).encode()
JUNE = datetime(2025, 6, 1, tzinfo=UTC)
BAD_CHUNK = hostile.head(Content_Type="application/json", Transfer_Encoding="chunked") + b"zz\r\n" + GOOD
NO_LENGTH = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + GOOD
MANY_HEADERS = b"HTTP/1.1 200 OK\r\n" + b"X-Many: 1\r\n" * 10_000 + b"\r\n"
BROTLI = b"\x0b\x0a\x80" + GOOD + b"\x03"


def item(name: str, what: str, *said: Any) -> Any:
    return pytest.param(*said, id=f"{name} {what}", marks=pytest.mark.item(name))


def moved(where: str, status: str = "302 Found") -> list[Behaviour]:
    return [answer(b"", status, Location=where)]


def cursors(*given: Any) -> list[Behaviour]:
    return [rows(ROW | {"id": number}, next=cursor) for number, cursor in enumerate(given)]


@pytest.mark.fault("F43", "F44", "F45")
@pytest.mark.parametrize(
    ("config", "behaviours", "reason", "asked"),
    [
        item("H107", "to the metadata server", CONFIG, moved("http://169.254.169.254/latest/"), BAD, 1),
        item("H107", "to another host", CONFIG, moved("https://evil.example/v1/users", "308 Moved"), BAD, 1),
        item("H107", "in a circle", CONFIG, moved("/v1/users", "307 Temporary"), BAD, 1),
        item("H108", "another host", BY_LINK, [rows(ROW, next="https://evil.example/next")], BAD, 1),
        item("H108", "no scheme", BY_LINK, [rows(ROW, next="//evil.example/next")], BAD, 1),
        item("H108", "another scheme", BY_LINK, [rows(ROW, next="file:///etc/passwd")], BAD, 1),
        item("H109", "repeats", BY_CURSOR, cursors("a", "b", "a"), BAD, 3),
        item("H109", "is an object", BY_CURSOR, cursors({"at": 1}), BAD, 1),
        item("H109", "of a megabyte", BY_CURSOR, cursors("x" * 1_000_000), BAD, 1),
        item("H110", "bomb", CONFIG, [hostile.gzip_bomb(30_000_000)], BAD, 1),
        item("H110", "twice", CONFIG, [encoded(gzip.compress(gzip.compress(GOOD)), "gzip")], BAD, 1),
        item("H110", "not what it says", CONFIG, [encoded(GOOD, "gzip")], BAD, 1),
        item("H110", "cut", CONFIG, [encoded(gzip.compress(GOOD)[:-4], "gzip")], BAD, 1),
        item("H110", "brotli", CONFIG, [encoded(BROTLI, "br")], BAD, 1),
        item("H111", "too long", CONFIG, [promised(GOOD, len(GOOD) + 9)], BAD, 3),
        item("H111", "too short", CONFIG, [promised(GOOD, len(GOOD) - 9)], BAD, 3),
        item("H112", "no length of a chunk", CONFIG, [raw(BAD_CHUNK)], BAD, 3),
        item("H112", "ends inside one", CONFIG, [hostile.bad_chunk()], BAD, 3),
        item("H113", "login page", CONFIG, [answer(b"<html>Log in</html>", content_type="text/html")], BAD, 1),
        item("H113", "page that says it is JSON", CONFIG, [text("<html>Log in</html>")], BAD, 1),
        item("H114", "NaN", CONFIG, [text('{"data": [{"id": 1, "cost": NaN}]}')], BAD, 1),
        item("H114", "key twice", CONFIG, [text('{"data": [{"id": 1, "id": 2}]}')], BAD, 1),
        item("H114", "more than 64 bits", CONFIG, [text('{"data": [{"id": 92233720368547758080}]}')], UNFIT, 1),
        item("H114", "5000 digits", CONFIG, [text(f'{{"data": [{{"id": {"9" * 5000}}}]}}')], BAD, 1),
        item("H114", "finer than a column", CONFIG, [rows({"id": 1, "cost": "1e-10"})], UNFIT, 1),
        item("H115", "no key field", CONFIG, [rows({"name": "Ada"})], UNFIT, 1),
        item("H115", "null key field", CONFIG, [rows(ROW | {"id": None})], UNFIT, 1),
        item("H115", "an object for a text", CONFIG, [rows(ROW | {"name": {"first": "A"}})], UNFIT, 1),
        item("H115", "another type later", BY_CURSOR, [rows(ROW, next="a"), rows({"id": "x"})], UNFIT, 2),
        item("H117", "the year 10000", CONFIG, [rows(ROW | {"at": "10000-01-01T00:00:00Z"})], UNFIT, 1),
        item("H117", "no moment", CONFIG, [rows(ROW | {"at": "yesterday"})], UNFIT, 1),
        item("H120", "of 100 KB", CONFIG, [answer(GOOD, X_Long="x" * 100_000)], BAD, 3),
        item("H120", "ten thousand", CONFIG, [raw(MANY_HEADERS)], BAD, 3),
        item("H121", "no length", CONFIG, [raw(NO_LENGTH)], BAD, 1),
        item("H121", "204 with a length", CONFIG, [raw(hostile.head("204 No Content", Content_Length="9"))], BAD, 1),
        item("H122", "999", CONFIG, [answer(GOOD, "999 Strange")], BAD, 1),
        item("H122", "0", CONFIG, [answer(GOOD, "0 Zero")], BAD, 3),
    ],
)
async def test_an_answer_that_cannot_be_believed_is_refused_and_nothing_of_it_is_published(
    bench: Bench, config: str, behaviours: list[Behaviour], reason: Reason, asked: int
) -> None:
    bench.warehouse.check = refused_as_bigquery_would
    bench.declare(config, SCHEMA)
    bench.provider.script("/v1/users", *behaviours)
    async with asyncio.timeout(10):
        with pytest.raises(FailedError) as raised:
            await bench.run()
    failure = raised.value.failure
    assert (failure.reason, len(bench.provider.heard)) == (reason, asked)
    assert not any(word in str(raised.value) for word in ("canary", "Ada", "evil", "passwd", "169.254"))
    assert bench.warehouse.published == []


@pytest.mark.parametrize(
    ("config", "behaviours", "column", "expected"),
    [
        item("H114", "floats of money", CONFIG, [text('{"data": [{"id": 1, "cost": 0.1}]}')], "cost", [Decimal("0.1")]),
        item("H114", "text of money", CONFIG, [rows({"id": 1, "cost": "1e-7"})], "cost", [Decimal("1e-7")]),
        item("H115", "no value", CONFIG, [rows({"id": 1})], "name", [None]),
        item("H115", "more than is known", CONFIG, [rows(ROW | {"x": [1]})], "raw_data", [ROW | {"x": [1]}]),
        item("H117", "seconds", CONFIG, [rows(ROW | {"at": 1748736000})], "at", [JUNE]),
        item("H117", "milliseconds", CONFIG, [rows(ROW | {"at": 1748736000000})], "at", [JUNE]),
        item("H117", "nanoseconds", CONFIG, [rows(ROW | {"at": "1748736000000000000"})], "at", [JUNE]),
        item("H117", "a zone", CONFIG, [rows(ROW | {"at": "2025-06-01T02:00:00+02:00"})], "at", [JUNE]),
        item("H117", "no zone", CONFIG, [rows(ROW | {"at": "2025-06-01T00:00:00"})], "at", [JUNE]),
        item("H118", "below 0", CONFIG, [rows(ROW | {"cost": -3})], "cost", [Decimal(-3)]),
        item("H119", "never", CONFIG, [answer(b"", "429 Slow", Retry_After="soon"), rows(ROW)], "id", [1]),
    ],
)
async def test_an_odd_answer_that_means_one_thing_is_taken_exactly(
    bench: Bench, config: str, behaviours: list[Behaviour], column: str, expected: list[Any]
) -> None:
    bench.warehouse.check = refused_as_bigquery_would
    bench.declare(config, SCHEMA)
    bench.provider.script("/v1/users", *behaviours)
    await bench.run()
    assert [row.get(column) for row in bench.rows] == expected


@pytest.mark.item("H116")
async def test_a_row_on_two_pages_is_one_by_its_key(bench: Bench) -> None:
    bench.declare(BY_CURSOR, SCHEMA)
    bench.provider.script("/v1/users", rows(ROW, {"id": 2}, next="a"), rows({"id": 2}, {"id": 3}))
    await bench.run()
    assert (bench.publication.keys, len(bench.rows)) == (("id",), 4)  # the warehouse keeps one of each key


@pytest.mark.item("H124")
async def test_a_cookie_is_never_sent_back(bench: Bench) -> None:
    bench.declare(BY_CURSOR, SCHEMA)
    page = json.dumps({"data": [ROW], "next": "a"}).encode()
    bench.provider.script("/v1/users", answer(page, Set_Cookie="track=1; Path=/"), rows({"id": 2}))
    await bench.run()
    assert ["cookie" in heard.headers for heard in bench.provider.heard] == [False, False]
