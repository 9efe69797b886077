from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.hostile_provider import Heard, answer, by_request, rows
from tests.unit.processors.generic.conftest import USERS, Bench
from workers.model.failure import FailedError, Reason

ADA, BEN, CLO = ({"id": n, "name": name, "born": f"19{n}0-01-0{n}"} for n, name in enumerate(["Ada", "Ben", "Clo"], 1))
EXAMPLE = Path("tests/fixtures/configs/vendor/users_extract.yml").read_text()
SIMPLE = """\
url: "{url}/v1/users"
data_path: data
destination: {table: vendor_users_raw}
"""


async def refused(bench: Bench, reason: Reason = Reason.DATA_INVALID) -> str:
    with pytest.raises(FailedError) as raised:
        await bench.run()
    assert raised.value.failure.reason is reason
    assert bench.warehouse.published == []
    return raised.value.failure.message


async def test_the_owners_example_runs_as_it_is_written(bench: Bench) -> None:
    bench.declare("")
    bench.write("vendor/users_extract.yml", EXAMPLE.replace("https://api.vendor.com", bench.provider.url))

    def users(heard: Heard) -> bytes:
        assert heard.headers["authorization"] == "Bearer canary-key"
        assert heard.query["limit"] == "100"
        more = "after" not in heard.query
        return json.dumps(
            {"data": [ADA, BEN] if more else [CLO], "meta": {"next_cursor": "c2" if more else None}}
        ).encode()

    bench.provider.script("/v1/users", by_request(users))
    result = await bench.run()
    assert (result.rows, result.output["pages"], bench.publication.manner) == (3, 2, "append")
    assert bench.columns("id", "name") == [(1, "Ada"), (2, "Ben"), (3, "Clo")]
    assert [(receipt.rows, receipt.cursor) for receipt in bench.receipts] == [(2, ""), (1, "c2")]
    assert {taken[1] for taken in bench.taken} == {600.0}


async def test_a_row_becomes_typed_columns_with_its_lineage(bench: Bench) -> None:
    bench.declare(SIMPLE)
    bench.provider.script("/v1/users", rows(ADA | {"born": "1910-01-31"}))
    await bench.run()
    [row] = bench.rows
    assert (row["born"], row["raw_data"], row["org_slug"]) == (date(1910, 1, 31), ADA | {"born": "1910-01-31"}, "acme")
    assert row["extracted_at"] == datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert row["source_hash"] == bench.receipts[0].sha256
    assert {"run_id", "ingested_at"} <= {column.name for column in bench.warehouse.tables["vendor_users_raw"].columns}


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ("{type: bearer, provider: VENDOR_API}", "authorization", "Bearer canary-key"),
        ("{type: header, provider: VENDOR_API}", "x-api-key", "canary-key"),
        ("{type: header, provider: VENDOR_API, name: X-Token}", "x-token", "canary-key"),
        ("{type: basic, provider: PAIR}", "authorization", "Basic dTpw"),
        ("{type: bearer, secret_key: PAIR2}", "authorization", "Bearer two"),
    ],
)
async def test_a_credential_is_sent_as_declared(bench: Bench, auth: str, header: str, value: str) -> None:
    bench.secrets |= {"PAIR": "u:p", "PAIR2": "two"}
    bench.declare(f"{SIMPLE}auth: {auth}\n")
    bench.provider.script("/v1/users", rows(ADA))
    await bench.run()
    assert bench.provider.heard[0].headers[header] == value


async def test_a_credential_in_the_query_is_in_no_receipt(bench: Bench) -> None:
    bench.declare(f"{SIMPLE}auth: {{type: query, provider: VENDOR_API}}\n")
    bench.provider.script("/v1/users", rows(ADA))
    await bench.run()
    assert bench.provider.heard[0].query == {"api_key": "canary-key"}
    assert "canary" not in repr(bench.receipts)


def source(param: str, limit: int, count: int, served: int) -> Any:
    """Give `served` rows a page at most, whatever is asked for."""

    def page(heard: Heard) -> bytes:
        asked = int(heard.query[param])
        start = asked if param == "offset" else (asked - 1) * served
        assert heard.query["limit"] == str(limit)
        listed = [ADA | {"id": number} for number in range(count)][start : start + served]
        return json.dumps({"data": listed, "total": count}).encode()

    return by_request(page)


@pytest.mark.fault("F45")
@pytest.mark.parametrize("kind", ["offset", "page"])
@pytest.mark.parametrize("served", [10, 4])
async def test_pages_are_counted_to_the_end_even_when_a_server_gives_fewer(
    bench: Bench, kind: str, served: int
) -> None:
    bench.declare(f"{SIMPLE}pagination: {{type: {kind}, limit: 10, total_path: total}}\n")
    bench.provider.script("/v1/users", source(kind, 10, 23, served))
    await bench.run()
    assert [row["id"] for row in bench.rows] == list(range(23))


@pytest.mark.fault("F45")
async def test_a_gap_is_an_error(bench: Bench) -> None:
    bench.declare(f"{SIMPLE}pagination: {{type: offset, limit: 10, total_path: total, stop: short_page}}\n")
    bench.provider.script("/v1/users", source("offset", 10, 23, 4))
    assert "says there are 23 rows, but 4 came" in await refused(bench, Reason.PROVIDER_BAD_RESPONSE)


@pytest.mark.fault("F45")
async def test_a_repeated_cursor_is_an_error(bench: Bench) -> None:
    bench.declare(f"{SIMPLE}pagination: {{type: cursor, param: after, response_path: next}}\n")
    bench.provider.script("/v1/users", rows(ADA, next="a"), rows(BEN, next="b"), rows(CLO, next="a"))
    assert "read before" in await refused(bench, Reason.PROVIDER_BAD_RESPONSE)


async def test_links_are_followed_from_header_and_body(bench: Bench) -> None:
    for kind, first in (("", {"Link": '</v1/users?p=2>; rel="next"'}), ("response_path: links.next", {})):
        bench.declare(f"{SIMPLE}pagination: {{type: link, {kind}}}\n")
        body = json.dumps({"data": [ADA], "links": {"next": None if first else "/v1/users?p=2"}}).encode()
        bench.provider.script("/v1/users", answer(body, **first), rows(BEN))
        await bench.run()
    assert [row["id"] for row in bench.rows] == [1, 2, 1, 2]


async def test_rows_are_found_by_jmespath(bench: Bench) -> None:
    bench.declare(SIMPLE.replace("data_path: data", 'data_path: "groups[].members[]"'))
    bench.provider.script(
        "/v1/users", answer(json.dumps({"groups": [{"members": [ADA]}, {"members": [BEN]}]}).encode())
    )
    await bench.run()
    assert [row["id"] for row in bench.rows] == [1, 2]


async def test_a_place_that_is_absent_is_an_error_and_not_an_empty_answer(bench: Bench) -> None:
    bench.declare(SIMPLE)
    bench.provider.script("/v1/users", answer(b'{"items": []}'))
    assert "nothing at 'data'" in await refused(bench, Reason.PROVIDER_BAD_RESPONSE)


async def test_overwrite_replaces_the_table_and_holds_a_shrink(bench: Bench) -> None:
    bench.declare(SIMPLE.replace("vendor_users_raw}", "vendor_users_raw, write_mode: overwrite}"))
    bench.provider.script("/v1/users", rows(ADA))
    await bench.run()
    found = bench.publication
    assert (found.manner, found.window, found.complete, found.allow_shrink) == ("restate", None, True, False)


@pytest.mark.item("I126")
@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ({"id": "x1"}, "row 2 of page 1: column id is a text, not a whole number"),
        ({"id": 2, "born": "1.2.1920"}, "row 2 of page 1: column born is a text, not a day written YYYY-MM-DD"),
        ({"id": 2, "name": {"first": "B"}}, "column name is an object, not a text"),
        ({"id": 2, "Name": "B", "name": "B"}, "column name is meant by two fields"),
    ],
)
async def test_a_row_that_does_not_fit_names_its_place_and_not_its_value(
    bench: Bench, row: dict[str, Any], complaint: str
) -> None:
    bench.declare(SIMPLE)
    bench.provider.script("/v1/users", rows(ADA, row))
    message = await refused(bench)
    assert complaint in message
    assert "x1" not in message


@pytest.mark.fault("F55")
async def test_a_field_without_a_column_is_kept_refused_or_left_out_as_declared(bench: Bench) -> None:
    schema = json.loads(USERS)
    without = json.dumps({**schema, "columns": schema["columns"][:3]})
    bench.provider.script("/v1/users", rows(ADA | {"nick": "A"}))
    bench.declare(SIMPLE, without)
    assert "column 'nick' is a field without a column" in await refused(bench)
    bench.declare(f"{SIMPLE}schema: {{ignore: [nick]}}\n", without)
    await bench.run()
    bench.declare(SIMPLE)
    await bench.run()
    assert [row.get("raw_data", {}).get("nick") for row in bench.rows] == [None, "A"]


async def test_a_credential_in_the_query_of_a_failing_call_is_not_shown(bench: Bench) -> None:
    bench.declare(f"{SIMPLE}auth: {{type: query, provider: VENDOR_API}}\n")
    bench.provider.script("/v1/users", answer(b"{}", "404 Not Found"))
    assert "canary" not in await refused(bench, Reason.PROVIDER_REFUSED)


@pytest.mark.fault("F45")
@pytest.mark.parametrize(
    ("mode", "manner"),
    [("append", "append"), ("overwrite", "restate"), ("merge", "merge acme-vendor-users_extract/extract_users")],
)
async def test_key_fields_make_rows_unique_in_every_mode(bench: Bench, mode: str, manner: str) -> None:
    bench.declare(SIMPLE.replace("raw}", f"raw, write_mode: {mode}, key_fields: [id]}}"))
    bench.provider.script("/v1/users", rows(ADA, ADA))
    await bench.run()
    assert (bench.publication.manner, bench.publication.keys) == (manner, ("id",))


async def test_a_key_field_has_a_column_and_a_value(bench: Bench) -> None:
    bench.provider.script("/v1/users", rows(ADA | {"name": None}))
    for key, reason, complaint in (
        ("nick", Reason.CONFIG_INVALID, "key field nick is no column"),
        ("name", Reason.DATA_INVALID, "row 1 of page 1: column name is a key field and has no value"),
    ):
        bench.declare(SIMPLE.replace("raw}", f"raw, write_mode: merge, key_fields: [{key}]}}"))
        assert complaint in await refused(bench, reason)


async def test_what_was_left_to_a_newer_run_is_told(bench: Bench) -> None:
    bench.declare(SIMPLE)
    bench.provider.script("/v1/users", rows(ADA))
    bench.warehouse.superseded = 1
    await bench.run()
    assert bench.messages == ["vendor_users_raw: what a newer run has written was left to it"]
