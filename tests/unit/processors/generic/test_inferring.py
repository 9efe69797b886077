from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.hostile_provider import answer, rows
from tests.unit.processors.generic.conftest import USERS, Bench
from workers.model.failure import FailedError, Reason

EVENTS = """\
url: "{url}/v1/events"
data_path: data
pagination: {type: cursor, param: after, response_path: next}
destination: {table: vendor_events_raw}
"""
BESIDE = {"extracted_at", "raw_data", "org_slug", "run_id", "ingested_at", "source_hash"}


def types(bench: Bench, table: str = "vendor_events_raw") -> dict[str, str]:
    columns = bench.warehouse.tables[table].columns
    return {column.name: column.type for column in columns if column.name not in BESIDE}


async def refused(bench: Bench, reason: Reason) -> str:
    with pytest.raises(FailedError) as raised:
        await bench.run()
    assert raised.value.failure.reason is reason
    assert bench.warehouse.published == []
    return raised.value.failure.message


def page(*items: Any, more: str | None = None) -> Any:
    return rows(*items, next=more)


async def test_a_table_is_made_of_the_first_rows(bench: Bench) -> None:
    bench.declare(EVENTS)
    first = {
        "id": 1,
        "user-name": "a",
        "ok": True,
        "cost": 0.5,
        "at": None,
        "tags": ["x"],
        "2x": "y",
        "run_id": "theirs",
    }
    bench.provider.script("/v1/events", page(first, more="b"), page(first | {"at": "2025-01-01", "cost": 2}))
    await bench.run()
    assert types(bench) == {
        "id": "INT64", "user_name": "STRING", "ok": "BOOL", "cost": "NUMERIC", "at": "STRING", "tags": "JSON",
        "_2x": "STRING", "run_id_": "STRING",
    }  # fmt: skip
    assert {column.name for column in bench.warehouse.tables["vendor_events_raw"].columns} >= BESIDE
    assert [(row["at"], row["run_id_"], row["raw_data"]["id"]) for row in bench.rows] == [
        (None, "theirs", 1),
        ("2025-01-01", "theirs", 1),
    ]


async def test_fields_that_come_up_later_get_columns_on_the_way_and_in_later_runs(bench: Bench) -> None:
    bench.declare(EVENTS)
    many = [{"id": number} for number in range(1200)]
    bench.provider.script("/v1/events", page(*many, more="b"), page({"id": 1, "price": 1.5}))
    await bench.run()
    assert types(bench) == {"id": "INT64", "price": "NUMERIC"}
    bench.provider.script("/v1/events", page({"id": 1, "note": "n"}))
    await bench.run()
    assert types(bench) == {"id": "INT64", "price": "NUMERIC", "note": "STRING"}
    assert bench.messages == ["vendor_events_raw has new columns: price", "vendor_events_raw has new columns: note"]


async def test_a_frozen_table_refuses_what_it_has_no_column_for(bench: Bench) -> None:
    bench.declare(f"{EVENTS}schema: {{contract: freeze}}\n")
    bench.provider.script("/v1/events", page({"id": 1}), page({"id": 1, "note": None}), page({"id": 1, "note": "n"}))
    await bench.run()
    await bench.run()
    bench.warehouse.published.clear()
    assert "column 'note' is a field without a column" in await refused(bench, Reason.DATA_INVALID)


async def test_contract_raw_keeps_what_has_no_column(bench: Bench) -> None:
    bench.declare(f"{EVENTS}schema: {{contract: raw}}\n")
    bench.provider.script("/v1/events", page({"id": 1}), page({"id": 1, "note": "n", "x": None}))
    await bench.run()
    await bench.run()
    assert [row.get("raw") for row in bench.rows] == [None, {"note": "n"}]
    assert types(bench) == {"id": "INT64", "raw": "JSON"}


async def test_a_type_conflict_is_an_error_that_names_its_place(bench: Bench) -> None:
    bench.declare(EVENTS)
    bench.provider.script("/v1/events", page({"id": 1}), page({"id": "x"}))
    await bench.run()
    bench.warehouse.published.clear()
    assert "row 1 of page 1: column id is a text, not a whole number" in await refused(bench, Reason.DATA_INVALID)


async def test_declared_types_and_a_layout_are_followed(bench: Bench) -> None:
    config = EVENTS.replace("raw}", "raw, table_config: {partition: day, clustering: [id]}}")
    bench.declare(f"{config}schema: {{types: {{day: DATE, id: STRING}}}}\n")
    bench.provider.script("/v1/events", page({"id": 1, "day": "2025-01-31"}))
    await bench.run()
    table = bench.warehouse.tables["vendor_events_raw"]
    assert (table.partition, table.clustering, types(bench)) == ("day", ("id",), {"id": "STRING", "day": "DATE"})
    assert [(row["id"], str(row["day"])) for row in bench.rows] == [("1", "2025-01-31")]


@pytest.mark.parametrize(
    ("row", "more", "complaint"),
    [
        ({"id": 1, "ID": 2}, "", "two fields are called ID"),
        ({"id": 1}, ", table_config: {partition: day}", "no DATE or TIMESTAMP column day"),
        ({f"f{number}": 1 for number in range(1001)}, "", "more than 1000 fields"),
    ],
)
async def test_rows_that_make_no_table_are_refused(
    bench: Bench, row: dict[str, Any], more: str, complaint: str
) -> None:
    bench.declare(EVENTS.replace("raw}", f"raw{more}}}"))
    bench.provider.script("/v1/events", page(row))
    assert complaint in await refused(bench, Reason.SCHEMA_CONFLICT)


async def test_without_rows_no_table_is_made(bench: Bench) -> None:
    bench.declare(EVENTS)
    bench.provider.script("/v1/events", page())
    assert (await bench.run()).rows == 0
    assert bench.warehouse.tables == {}
    assert bench.messages == ["no row came, and so table vendor_events_raw was not made"]


async def test_a_declared_table_may_evolve_too_and_remembers(bench: Bench) -> None:
    config = EVENTS.replace("vendor_events_raw", "vendor_users_raw")
    schema = json.loads(USERS)
    bench.declare(f"{config}schema: {{contract: evolve}}\n", json.dumps({**schema, "columns": schema["columns"][:1]}))
    bench.provider.script("/v1/events", page({"id": 1, "age": "7"}), page({"id": 2, "age": 8}))
    await bench.run()
    await bench.run()
    assert types(bench, "vendor_users_raw") == {"id": "INT64", "age": "STRING"}
    assert [row["age"] for row in bench.rows] == ["7", "8"]


async def test_a_registered_provider_brings_address_and_credential(bench: Bench) -> None:
    bench.secrets["OPENAI"] = "canary-openai"
    bench.declare("path: /events\nprovider: OPENAI\ndata_path: data\ndestination: {table: vendor_events_raw}\n")
    bench.provider.script("/v1/events", answer(b'{"data": [{"id": 1}]}'))
    await bench.run()
    assert bench.provider.heard[0].headers["authorization"] == "Bearer canary-openai"


async def test_rows_are_given_fields_from_their_depth_and_fixed_ones_and_are_kept_as_they_came(bench: Bench) -> None:
    shaped = 'flatten: {city: address.city, first_tag: "tags[0]"}\nadd_fields: {source: vendor, day: "{run_date}"}\n'
    bench.declare(f"{EVENTS}{shaped}schema: {{ignore: [address, tags]}}\n")
    row = {"id": 1, "address": {"city": "Graz"}, "tags": ["x", "y"]}
    bench.provider.script("/v1/events", page(row))
    await bench.run()
    [found] = bench.rows
    assert {name: found[name] for name in types(bench)} == {
        "id": 1, "city": "Graz", "first_tag": "x", "source": "vendor", "day": "2025-06-03",
    }  # fmt: skip
    assert found["raw_data"] == row


async def test_a_fraction_that_is_the_same_for_all_is_kept_in_its_digits(bench: Bench) -> None:
    bench.declare(f"{EVENTS}add_fields: {{rate: 1.10}}\n")
    bench.provider.script("/v1/events", page({"id": 1}))
    await bench.run()
    assert bench.columns("rate") == [(Decimal("1.1"),)]


async def test_a_long_first_page_leaves_the_loop_to_others_while_the_table_is_made_of_it(bench: Bench) -> None:
    bench.declare(EVENTS)
    bench.provider.script("/v1/events", page(*({"id": number} for number in range(5000))))
    running, turns = asyncio.ensure_future(bench.run()), 0
    while not running.done():
        turns += bool(bench.receipts) and not bench.warehouse.tables
        await asyncio.sleep(0)
    assert ((await running).rows, turns > 0) == (5000, True)
