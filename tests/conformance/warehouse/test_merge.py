"""Merging by keys: inserts and updates, once for the same content, never an older run's row over a newer one's."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from attrs import evolve

from tests.plugins.warehouse_desk import FACTS, FIRST, RUN, SECOND, Desk, facts
from workers.model.failure import FailedError, Reason
from workers.model.table import Column
from workers.ports import Row, Written

pytestmark = pytest.mark.engine

KEYS = ("day", "tokens")
TWICE = "SELECT DATE '2025-01-01' AS day, n AS tokens, CAST(n AS NUMERIC) AS amount, 'q' AS endpoint, JSON '{}' AS raw "


async def merge(desk: Desk, rows: Sequence[Row], run_id: UUID = RUN, **authority: Any) -> Written:
    warehouse = desk.warehouse(run_id, **authority)
    await warehouse.ensure(FACTS)
    async with warehouse.merge(FACTS, KEYS, "a/pipeline/step") as load:
        await load.write(rows)
        return await load.publish()


async def found(desk: Desk, columns: str = "tokens, endpoint") -> list[tuple[Any, ...]]:
    return await desk.rows(f"SELECT {columns} FROM {{dataset}}.facts ORDER BY day, tokens, endpoint")


@pytest.mark.fault("F53")
async def test_a_merge_inserts_and_updates_and_an_older_run_only_adds(desk: Desk) -> None:
    assert await merge(desk, facts(FIRST, 3, "old")) == Written(3)
    assert await merge(desk, facts(FIRST, 3, "new", start=2), uuid4(), run_seq=5) == Written(3)
    assert await merge(desk, facts(FIRST, 3, "late", start=3), uuid4(), run_seq=4) == Written(3, superseded=1)
    assert await found(desk) == [(0, "old"), (1, "old"), (2, "new"), (3, "new"), (4, "new"), (5, "late")]


@pytest.mark.fault("F53")
async def test_the_same_content_is_merged_once_other_content_again_and_by_no_older_lease(desk: Desk) -> None:
    await merge(desk, facts(FIRST, 2, "one"))
    assert (await merge(desk, facts(FIRST, 2, "one"), fence=2)).adopted
    assert await merge(desk, facts(FIRST, 3, "two"), fence=3) == Written(3)
    with pytest.raises(FailedError) as raised:
        await merge(desk, facts(FIRST, 1, "stale"), fence=2)
    assert raised.value.failure.reason is Reason.STALE_RUN
    assert await found(desk) == [(0, "two"), (1, "two"), (2, "two")]


@pytest.mark.item("H116")
async def test_of_rows_with_the_same_keys_the_one_written_last_counts(desk: Desk) -> None:
    rows = [*facts(FIRST, 1500, "first"), *facts(FIRST, 2, "again"), *facts(FIRST, 1, "last")]
    assert (await merge(desk, rows)).rows == 1500
    assert (await found(desk))[:3] == [(0, "last"), (1, "again"), (2, "first")]
    with pytest.raises(FailedError, match="1 rows have no value in a key field") as raised:
        await merge(desk, [*facts(FIRST, 1), {"day": FIRST, "endpoint": "x"}], fence=2)
    assert raised.value.failure.reason is Reason.DATA_INVALID


async def test_a_query_is_appended_once_and_merged_without_giving_a_key_twice(desk: Desk) -> None:
    sql = TWICE + "FROM UNNEST(@numbers) AS n"
    await desk.warehouse().ensure(FACTS)
    for fence in (1, 2):
        written = await desk.warehouse(fence=fence).append_query(FACTS, sql, {"numbers": [1, 2]})
        assert written == Written(2, adopted=fence == 2)
    newer = desk.warehouse(uuid4(), run_seq=2)
    await newer.merge_query(FACTS, KEYS, "b", sql.replace("'q'", "'m'"), {"numbers": [2, 3]})
    assert await found(desk) == [(1, "q"), (2, "m"), (3, "m")]
    with pytest.raises(FailedError, match="1 keys stand in several rows"):
        await newer.merge_query(FACTS, KEYS, "b", sql, {"numbers": [3, 3]})


@pytest.mark.item("H116")
async def test_a_restatement_is_made_unique_by_keys(desk: Desk) -> None:
    warehouse = desk.warehouse()
    await warehouse.ensure(FACTS)
    async with warehouse.restate(FACTS, None, keys=KEYS) as load:
        await load.write([*facts(FIRST, 2, "first"), *facts(FIRST, 1, "last")])
        assert (await load.publish()).rows == 2
    assert await found(desk) == [(0, "last"), (1, "first")]


async def test_a_load_takes_more_columns_on_its_way_and_the_table_is_described_as_it_becomes(desk: Desk) -> None:
    wider = evolve(FACTS, columns=(*FACTS.columns, Column("price", "NUMERIC"), Column("more", "JSON")))
    warehouse = desk.warehouse()
    assert await warehouse.describe("facts") is None
    await warehouse.ensure(FACTS)
    async with warehouse.append(FACTS, keys=KEYS) as load:
        await load.write(facts(FIRST, 1, "first"))
        await warehouse.ensure(wider)
        await load.widen(wider)
        rows = [{**row, "price": Decimal("1.5"), "more": {"a": 1}} for row in facts(SECOND, 1)]
        await load.write([*facts(FIRST, 1, "last"), *rows])
        assert (await load.publish()).rows == 2
    found = await desk.rows("SELECT endpoint, price, JSON_VALUE(more, '$.a') AS a FROM {dataset}.facts ORDER BY day")
    assert found == [("last", None, None), ("completions", Decimal("1.5"), "1")]
    described = await warehouse.describe("facts")
    assert described is not None
    assert (described.columns, described.partition, described.clustering) == (wider.columns, "day", ("endpoint",))
