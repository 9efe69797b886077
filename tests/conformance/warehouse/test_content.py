"""What is published is what was written, with its lineage, and nothing of the way there stays behind."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.plugins.warehouse_desk import FACTS, FIRST, RUN, SECOND, WINDOW, Desk, facts, open_desk
from workers.model.failure import FailedError, Reason
from workers.model.table import Column, TableSchema
from workers.model.window import DateWindow

pytestmark = pytest.mark.engine

EVENTS = TableSchema(
    "events",
    (Column("at", "TIMESTAMP", "REQUIRED"), Column("tags", "STRING", "REPEATED"), Column("sealed", "BYTES")),
    partition="at",
)


async def test_numbers_and_json_arrive_with_every_digit(desk: Desk) -> None:
    amounts = [Decimal("-12345678901234567890123456789.123456789"), Decimal("0.000000001"), None]
    raw = {"cost": Decimal("0.1"), "big": 9007199254740993, "text": 'é"\n\\', "none": None, "list": [1, {"a": []}]}
    await desk.restate([{"day": FIRST, "amount": amount, "raw": raw} for amount in amounts])
    found = await desk.rows("SELECT amount, raw FROM {dataset}.facts ORDER BY amount")
    assert [row[0] for row in found] == [None, *amounts[:2]]
    assert found[0][1] == {**raw, "cost": 0.1}


async def test_lineage_is_filled_in_and_a_given_hash_is_kept(desk: Desk) -> None:
    rows = [{"day": FIRST, "tokens": 1, "source_hash": "of the page"}, {"day": FIRST, "tokens": 2}]
    await desk.restate(rows)
    found = await desk.rows("SELECT org_slug, run_id, ingested_at, source_hash FROM {dataset}.facts ORDER BY tokens")
    ledger = await desk.rows("SELECT committed_at, content_sha256 FROM {dataset}.__load_ledger LIMIT 1")
    at, content = ledger[0]
    assert found == [("acme", str(RUN), at, "of the page"), ("acme", str(RUN), at, content)]


async def test_timestamps_name_days_as_dates_do(desk: Desk) -> None:
    warehouse = desk.warehouse()
    await warehouse.ensure(EVENTS)
    late = datetime(2025, 1, 2, 23, 59, 59, 999999, tzinfo=UTC)
    async with warehouse.restate(EVENTS, WINDOW) as load:
        await load.write([{"at": late, "tags": ["a", "b"], "sealed": b"\x00\xff"}, {"at": late}])
        await load.publish()
    assert await desk.rows("SELECT * FROM {dataset}.events ORDER BY sealed DESC") == [
        (late, ["a", "b"], b"\x00\xff"),
        (late, [], None),
    ]
    assert await desk.rows("SELECT day, `rows` FROM {dataset}.__load_ledger ORDER BY day") == [(FIRST, 0), (SECOND, 2)]


async def test_many_small_files_make_one_publication(desk: Desk, bq: Any, tmp_path: Any) -> None:
    async with open_desk(bq._connection.API_BASE_URL, desk.dataset, tmp_path / "other", rotate_bytes=1) as small:
        written = await small.restate(facts(FIRST, 3500))
    assert written.rows == 3500
    assert await desk.rows("SELECT COUNT(DISTINCT tokens) AS n FROM {dataset}.facts") == [(3500,)]


async def test_nothing_is_left_of_a_load_that_was_published(desk: Desk, bq: Any) -> None:
    await desk.restate(facts(FIRST, 3))
    tables = {table.table_id for table in await asyncio.to_thread(lambda: list(bq.list_tables(desk.dataset)))}
    assert tables == {"facts", "__load_ledger"}
    assert [path for path in desk.spool_dir.rglob("*") if path.is_file()] == []


async def test_a_load_that_is_not_published_changes_nothing_and_leaves_no_file(desk: Desk) -> None:
    warehouse = desk.warehouse()
    await warehouse.ensure(FACTS)
    async with warehouse.restate(FACTS, WINDOW) as load:
        await load.write(facts(FIRST, 2500))
    assert await desk.counts() == {}
    assert [path for path in desk.spool_dir.rglob("*") if path.is_file()] == []


async def test_an_invalid_row_is_named_and_nothing_is_published(desk: Desk) -> None:
    with pytest.raises(FailedError, match="row 3 for table facts: column tokens") as raised:
        await desk.restate([*facts(FIRST, 2), {"day": FIRST, "tokens": "s3cret"}])
    assert raised.value.failure.reason is Reason.DATA_INVALID
    assert "s3cret" not in str(raised.value)
    assert [path for path in desk.spool_dir.rglob("*") if path.is_file()] == []


async def test_a_window_needs_a_partition_and_a_scope_a_column(desk: Desk) -> None:
    plain = TableSchema("plain", FACTS.columns)
    for table, window, scope in ((plain, WINDOW, None), (FACTS, WINDOW, {"nope": 1}), (FACTS, None, {"run_id": "x"})):
        with pytest.raises(FailedError) as raised:
            desk.warehouse().restate(table, window, scope)
        assert raised.value.failure.reason is Reason.CONFIG_INVALID


async def test_a_window_may_be_a_single_day(desk: Desk) -> None:
    await desk.restate(facts(FIRST, 2), DateWindow(FIRST, FIRST))
    assert await desk.rows("SELECT day, `rows` FROM {dataset}.__load_ledger") == [(FIRST, 2)]
