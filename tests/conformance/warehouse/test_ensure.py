"""A table becomes as declared, grows by NULLABLE columns, and any other difference is refused with a way out."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest
from google.cloud import bigquery

from sandbox.bigquery.connect import PROJECT
from tests.plugins.warehouse_desk import FACTS, LEDGER, Desk
from workers.model.failure import FailedError, Reason
from workers.model.table import Column, TableSchema

pytestmark = pytest.mark.engine


def get(bq: Any, desk: Desk, name: str) -> Any:
    return bq.get_table(f"{PROJECT}.{desk.dataset}.{name}")


def create(bq: Any, desk: Desk, *fields: bigquery.SchemaField, partition: str | None = "day") -> None:
    table = bigquery.Table(f"{PROJECT}.{desk.dataset}.facts", schema=fields)
    table.time_partitioning = bigquery.TimePartitioning(field=partition) if partition else None
    bq.create_table(table)


def declared(*columns: Column, partition: str | None = "day") -> TableSchema:
    return TableSchema("facts", columns, partition)


async def test_a_table_is_made_as_declared(desk: Desk, bq: Any) -> None:
    await desk.warehouse().ensure(attrs.evolve(FACTS, expiration_days=7, description="what happened"))
    made = await asyncio.to_thread(get, bq, desk, "facts")
    assert [(field.name, field.mode) for field in made.schema] == [(c.name, c.mode) for c in FACTS.columns]
    assert (made.time_partitioning.field, made.clustering_fields) == ("day", ["endpoint"])
    assert made.description == "what happened"


async def test_the_ledger_is_there_as_soon_as_a_table_is(desk: Desk, bq: Any) -> None:
    await desk.warehouse().ensure(FACTS)
    ledger = await asyncio.to_thread(get, bq, desk, "__load_ledger")
    assert [field.name for field in ledger.schema] == [column.name for column in LEDGER.columns]


@pytest.mark.fault("F55")
async def test_missing_nullable_columns_are_added(desk: Desk, bq: Any) -> None:
    await asyncio.to_thread(create, bq, desk, bigquery.SchemaField("day", "DATE", "REQUIRED"))
    await desk.warehouse().ensure(FACTS)
    grown = await asyncio.to_thread(get, bq, desk, "facts")
    assert [field.name for field in grown.schema] == [column.name for column in FACTS.columns]


async def test_many_who_ensure_at_once_make_one_table(desk: Desk) -> None:
    await asyncio.gather(*(desk.warehouse().ensure(FACTS) for _ in range(8)))
    assert await desk.counts() == {}


DAY = Column("day", "DATE", "REQUIRED")


@pytest.mark.fault("F55")
@pytest.mark.parametrize(
    ("table", "difference"),
    [
        (declared(Column("day", "TIMESTAMP", "REQUIRED")), "column day is DATE, declared TIMESTAMP"),
        (declared(DAY, Column("cost", "NUMERIC")), "column cost is FLOAT64, declared NUMERIC"),
        (declared(Column("day", "DATE")), "column day is REQUIRED, declared NULLABLE"),
        (declared(DAY, Column("must", "STRING", "REQUIRED")), "column must is missing and REQUIRED"),
        (declared(DAY, Column("COST", "FLOAT64")), "column cost differs from declared COST in case"),
        (declared(DAY, partition=None), "partitioned by DAY of day, declared by nothing"),
        (declared(Column("cost", "FLOAT64")), "column day is REQUIRED but not declared"),
    ],
)
async def test_a_difference_is_refused_by_name(desk: Desk, bq: Any, table: TableSchema, difference: str) -> None:
    fields = (bigquery.SchemaField("day", "DATE", "REQUIRED"), bigquery.SchemaField("cost", "FLOAT64"))
    await asyncio.to_thread(create, bq, desk, *fields)
    with pytest.raises(FailedError, match=difference) as raised:
        await desk.warehouse().ensure(table)
    assert raised.value.failure.reason is Reason.SCHEMA_CONFLICT
