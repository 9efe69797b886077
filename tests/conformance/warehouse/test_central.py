"""The platform's dataset: batches happen once, merges leave the latest row of a key."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest

from tests.plugins.warehouse_desk import Desk, declared
from workers.adapters.bigquery.central import AT_ONCE
from workers.model.failure import FailedError, Reason
from workers.model.table import Column, TableSchema

pytestmark = pytest.mark.engine

AT = datetime(2025, 1, 1, 12, 30, tzinfo=UTC)
NOTES = TableSchema(
    "notes",
    (
        Column("key", "STRING", "REQUIRED"),
        Column("at", "TIMESTAMP", "REQUIRED"),
        Column("said", "JSON"),
        Column("cost", "NUMERIC"),
        Column("sealed", "BYTES"),
        Column("tags", "STRING", "REPEATED"),
    ),
    partition="at",
)


def note(key: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "at": AT, **more}


async def notes(desk: Desk, columns: str) -> list[tuple[Any, ...]]:
    found = await desk.warehouses.central().query(f"SELECT {columns} FROM {{central}}.notes ORDER BY key", {})
    return [tuple(row.values()) for row in found.rows]


async def test_a_batch_is_added_once_whatever_its_rows(desk: Desk) -> None:
    central = desk.warehouses.central()
    await central.ensure(NOTES)
    row = note("a", said={"x": [1, Decimal("0.5")]}, cost=Decimal("1.000000001"), sealed=b"\x00\xff", tags=["t"])
    await central.append(NOTES, [row], "batch 1")
    await central.append(NOTES, [note("b")], "batch 1")
    assert await notes(desk, "*") == [("a", AT, {"x": [1, 0.5]}, Decimal("1.000000001"), b"\x00\xff", ["t"])]


async def test_a_merge_updates_inserts_and_leaves_other_columns(desk: Desk) -> None:
    central = desk.warehouses.central()
    await central.ensure(NOTES)
    await central.append(NOTES, [note("a", cost=Decimal(1), said={"kept": True})], "1")
    await central.merge(
        NOTES, [note("a", cost=Decimal(2)), note("a", cost=Decimal(3)), note("b", cost=None)], ["key"], "2"
    )
    assert await notes(desk, "key, cost, said") == [("a", Decimal(3), {"kept": True}), ("b", None, None)]


async def test_a_merge_of_a_known_batch_changes_nothing(desk: Desk) -> None:
    central = desk.warehouses.central()
    await central.ensure(NOTES)
    for key in ("a", "b"):
        await central.merge(NOTES, [note(key)], ["key"], "2")
    assert await notes(desk, "key") == [("a",)]


async def test_rows_that_do_not_fit_are_refused_by_number_and_column(desk: Desk) -> None:
    with pytest.raises(FailedError, match="row 2 for table notes: column at is null but REQUIRED") as raised:
        await desk.warehouses.central().append(NOTES, [note("a"), {"key": "b"}], "1")
    assert raised.value.failure.reason is Reason.DATA_INVALID


async def test_every_declared_central_table_can_be_made_and_filled(desk: Desk) -> None:
    runs = declared("configs/system/schemas/org_meta_pipeline_runs.json")
    row = {"pipeline_logging_id": "r1", "org_slug": "acme", "pipeline_id": "p", "status": "COMPLETED", "start_time": AT}
    central = desk.warehouses.central()
    await central.ensure(runs)
    await central.append(runs, [row | {"parameters": {"date": "2025-01-01"}, "created_at": AT}], "1")
    found = await central.query(
        "SELECT parameters FROM {central}.org_meta_pipeline_runs WHERE org_slug = @org", {"org": "acme"}
    )
    assert found.rows == ({"parameters": {"date": "2025-01-01"}},)


async def test_an_empty_batch_needs_no_table(desk: Desk) -> None:
    central = attrs.evolve(desk, dataset="nowhere").warehouses.central()
    await central.append(NOTES, [], "1")
    await central.merge(NOTES, [], ["key"], "1")


async def test_many_rows_are_encoded_while_others_have_their_turns(desk: Desk) -> None:
    central, turns = desk.warehouses.central(), 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    rows = [note(f"{number:04}") for number in range(10 * AT_ONCE)]
    async with asyncio.TaskGroup() as group:
        others = group.create_task(count())
        with pytest.raises(FailedError, match=f"row {len(rows) + 1}"):
            await central.append(NOTES, [*rows, {"key": "unfit"}], "1")
        others.cancel()
    assert turns >= 10
    await central.ensure(NOTES)
    await central.append(NOTES, rows, "2")
    assert await notes(desk, "key") == [(row["key"],) for row in rows]
