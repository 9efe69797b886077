from __future__ import annotations

import pytest
from google.cloud import bigquery
from google.cloud.bigquery import SchemaField

from workers.adapters.bigquery.layouts import Difference, compare, new_table, standard_type
from workers.model.table import Column, TableSchema

TABLE = TableSchema("t", (Column("day", "DATE", "REQUIRED"), Column("n", "INT64")), "day", 30, ("n",))
REFERENCE = bigquery.DatasetReference("p", "d").table("t")


def existing(*fields: SchemaField, partition: str | None = "day") -> bigquery.Table:
    table = bigquery.Table(REFERENCE, schema=fields)
    table.time_partitioning = bigquery.TimePartitioning(field=partition) if partition else None
    return table


def test_a_table_is_as_declared_when_it_was_made_so() -> None:
    made = new_table(REFERENCE, TABLE)
    assert compare(TABLE, made) == Difference((), ())
    assert made.time_partitioning.expiration_ms == 30 * 86_400_000


def test_legacy_type_names_are_the_same_types() -> None:
    found = compare(TABLE, existing(SchemaField("day", "DATE", "REQUIRED"), SchemaField("n", "INTEGER")))
    assert found.conflicts == ()


@pytest.mark.fault("F55")
def test_columns_only_the_table_has_are_left_alone_if_they_may_be_null() -> None:
    fields = (SchemaField("day", "DATE", "REQUIRED"), SchemaField("n", "INT64"), SchemaField("old", "STRING"))
    assert compare(TABLE, existing(*fields)).conflicts == ()


@pytest.mark.fault("F55")
def test_every_difference_is_told_at_once() -> None:
    found = compare(TABLE, existing(SchemaField("day", "STRING"), SchemaField("N", "FLOAT64"), partition=None))
    assert [conflict.split(":")[0] for conflict in found.conflicts] == [
        "column day is STRING, declared DATE",
        "column day is NULLABLE, declared REQUIRED",
        "column n is FLOAT64, declared INT64",
        "column N differs from declared n in case",
        "partitioned by nothing, declared by DAY of day",
    ]


@pytest.mark.fault("F55")
@pytest.mark.parametrize(
    ("field", "shown"),
    [
        (SchemaField("a", "NUMERIC", precision=10, scale=2), "NUMERIC(10, 2)"),
        (SchemaField("a", "STRING", max_length=5), "STRING(5)"),
        (SchemaField("a", "BOOLEAN"), "BOOL"),
    ],
)
def test_a_narrowed_type_is_another_type(field: SchemaField, shown: str) -> None:
    assert standard_type(field) == shown
