from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.fakes.hostile_provider import answer, rows
from tests.unit.processors.generic.conftest import Bench
from workers.model.failure import FailedError, Reason

LINES = """\
url: "{url}/v1/export"
destination: {table: vendor_users_raw}
format: ndjson
"""
CSV = LINES.replace("ndjson", "csv")
SIMPLE = LINES.replace("format: ndjson\n", "data_path: data\n")


def people(count: int) -> bytes:
    return b"".join(json.dumps({"id": number, "name": "Ada"}).encode() + b"\n" for number in range(count))


def lines(body: bytes, content_type: str = "application/x-ndjson", **headers: str) -> Any:
    return answer(body, content_type=content_type, **headers)


async def complaint(bench: Bench, reason: Reason = Reason.PROVIDER_BAD_RESPONSE) -> str:
    with pytest.raises(FailedError) as raised:
        await bench.run()
    assert raised.value.failure.reason is reason
    assert bench.warehouse.published == []
    return raised.value.failure.message


@pytest.mark.parametrize("count", [0, 1, 1000, 2500])
async def test_lines_are_read_in_parts_and_receipted_as_one_page(bench: Bench, count: int) -> None:
    bench.declare(LINES.replace("raw}", "raw, key_fields: [id]}"))
    bench.provider.script("/v1/export", lines(people(count)))
    result = await bench.run()
    assert [row["id"] for row in bench.rows] == list(range(count))
    [receipt] = bench.receipts
    assert (receipt.rows, receipt.bytes, result.output["pages"]) == (count, len(people(count)), 1)
    assert (receipt.first_key, receipt.last_key) == (("[0]", f"[{count - 1}]") if count else ("", ""))


async def test_a_row_that_does_not_fit_is_counted_from_the_beginning_of_its_body(bench: Bench) -> None:
    bench.declare(LINES)
    bench.provider.script("/v1/export", lines(people(1200) + b'{"id": "x"}\n'))
    assert "row 1201 of page 1: column id is a text" in await complaint(bench, Reason.DATA_INVALID)


@pytest.mark.parametrize("coded", [{}, {"Content_Encoding": "gzip"}])
async def test_a_gzip_file_is_unpacked_when_it_is_declared(bench: Bench, coded: dict[str, str]) -> None:
    body = gzip.compress(people(3))
    bench.provider.script("/v1/export", lines(gzip.compress(body) if coded else body, "application/gzip", **coded))
    bench.declare(f"{LINES}compression: gzip\n")
    await bench.run()
    bench.declare(LINES)
    bench.warehouse.published.clear()
    assert "something other than lines of JSON" in await complaint(bench)


async def test_csv_is_text_that_becomes_typed_columns_and_an_empty_field_is_null(bench: Bench) -> None:
    body = '\ufeffid;name;born\r\n1;"Ada; L.";1915-12-10\r\n\r\n2;;\r\n'.encode()
    bench.declare(f"{CSV}delimiter: ;\n")
    bench.provider.script("/v1/export", lines(body, "text/csv; charset=utf-8"))
    await bench.run()
    assert [(row["id"], row["name"], str(row["born"])) for row in bench.rows] == [
        (1, "Ada; L.", "1915-12-10"),
        (2, None, "None"),
    ]


@pytest.mark.parametrize(
    ("config", "body", "found"),
    [
        (LINES, people(1500) + b"{", "is not JSON"),
        (LINES, people(2) + b"[1]\n", "a line without an object: line 3"),
        (LINES, b'{"id": 1, "id": 2}\n', "a duplicate key: line 1"),
        (CSV, b"id,name\n1,Ada,2\n", "3 fields where its header has 2: line 2"),
        (CSV, b"id,id\n1,2\n", "a repeated name"),
        (CSV, b'id\n"1\n', "is not CSV: line 2"),
        (CSV, b"id\n\xff\n", "is not valid UTF-8"),
    ],
)
async def test_a_broken_line_fails_the_step_and_names_its_place(
    bench: Bench, config: str, body: bytes, found: str
) -> None:
    bench.declare(config)
    bench.provider.script("/v1/export", lines(body, "text/plain"))
    assert found in await complaint(bench)


async def test_a_login_page_is_no_lines(bench: Bench) -> None:
    bench.declare(CSV)
    bench.provider.script("/v1/export", lines(b"<html>", "text/html"))
    assert "something other than CSV" in await complaint(bench)


async def test_lines_are_paged_by_offset_and_by_link(bench: Bench) -> None:
    bench.declare(f"{LINES}pagination: {{type: offset, limit: 2}}\n")
    bench.provider.script("/v1/export", lines(people(2)), lines(people(1)), lines(b""))
    await bench.run()
    assert [heard.query["offset"] for heard in bench.provider.heard] == ["0", "2", "3"]
    bench.declare(f"{LINES}pagination: {{type: link}}\n")
    bench.provider.script("/v1/export", lines(people(1), Link='</v1/export?n=1>; rel="next"'), lines(people(1)))
    await bench.run()
    assert len(bench.rows) == 5


@pytest.mark.parametrize(
    ("rule", "status", "body", "reason"),
    [
        ("{status: 404, action: ignore}", "404 Not Found", b"{}", None),
        ("{status: 204, action: ignore}", "204 No Content", b"", None),
        ("{status: [400, 404], contains: no such, action: ignore}", "400 Bad", b'{"m": "no such day"}', None),
        ("{status: 400, when: \"code == 'EMPTY'\", action: ignore}", "400 Bad", b'{"code": "EMPTY"}', None),
        ("{status: 400, when: code, action: ignore}", "400 Bad", b"{}", Reason.PROVIDER_REFUSED),
        ("{status: 404, action: fail, message: gone}", "404 Not Found", b"{}", Reason.PROVIDER_REFUSED),
        ("{status: 200, when: error, action: fail}", "200 OK", b'{"error": "x"}', Reason.PROVIDER_REFUSED),
        ("{status: 200, contains: maintenance, action: ignore}", "200 OK", b'{"m": "maintenance"}', None),
        ("{status: 401, action: refresh_token}", "401 No", b"{}", Reason.PROVIDER_AUTH),
    ],
)
async def test_an_answer_means_what_its_rule_says(
    bench: Bench, rule: str, status: str, body: bytes, reason: Reason | None
) -> None:
    bench.declare(f"{SIMPLE}responses: [{rule}]\n")
    bench.provider.script("/v1/export", answer(body, status))
    if reason is None:
        assert (await bench.run()).rows == 0
        assert len(bench.receipts) == 1
    else:
        await complaint(bench, reason)


@pytest.mark.parametrize("action", ["retry", "rate_limited"])
async def test_a_rule_may_ask_again(bench: Bench, action: str) -> None:
    bench.declare(f"{SIMPLE}responses: [{{status: 404, action: {action}}}]\n")
    bench.provider.script("/v1/export", answer(b"{}", "404 Not Found", Retry_After="7"), rows({"id": 1}))
    await bench.run()
    assert (len(bench.provider.heard), bench.clock.slept) == (2, [7.0])


async def test_a_429_is_tried_again_unless_declared_otherwise(bench: Bench) -> None:
    bench.provider.script("/v1/export", answer(b"{}", "429 Too Many"), rows({"id": 1}))
    bench.declare(SIMPLE)
    await bench.run()
    assert len(bench.provider.heard) == 2
    bench.warehouse.published.clear()
    bench.provider.script("/v1/export", answer(b"{}", "429 Too Many"))
    bench.declare(f"{SIMPLE}rate_limit: {{retry_on_429: false}}\n")
    await complaint(bench, Reason.PROVIDER_REFUSED)
    assert len(bench.provider.heard) == 3
