"""Declared tables in BigQuery's terms, and what a table that exists is missing or has otherwise. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen
from google.cloud import bigquery
from google.cloud.bigquery import SchemaField

from workers.model.table import Column, TableSchema

_DAY_MILLISECONDS = 24 * 60 * 60 * 1000
_STANDARD = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "DECIMAL": "NUMERIC"}
_SWITCHES = {"REQUIRED": "declare it NULLABLE or rewrite the table", "NULLABLE": "relax the column to NULLABLE"}


@frozen
class Difference:
    """What has to be added, and what cannot be changed in place, each with how to migrate."""

    missing: tuple[Column, ...]
    conflicts: tuple[str, ...]


def new_table(reference: bigquery.TableReference, table: TableSchema) -> bigquery.Table:
    """Describe a table as declared: columns with their comments, partitioning, expiry of partitions, clustering."""
    described = bigquery.Table(reference, schema=fields(table.columns))
    described.description = table.description or None
    if table.partition:
        described.time_partitioning = bigquery.TimePartitioning(
            type_=bigquery.TimePartitioningType.DAY,
            field=table.partition,
            expiration_ms=table.expiration_days * _DAY_MILLISECONDS if table.expiration_days else None,
        )
    if table.clustering:
        described.clustering_fields = list(table.clustering)
    return described


def described(existing: bigquery.Table) -> TableSchema:
    """Return a table that exists as if it had been declared."""
    partitioning = existing.time_partitioning
    columns = (
        Column(field.name, standard_type(field), field.mode or "NULLABLE", field.description or "")
        for field in existing.schema
    )
    return TableSchema(
        existing.table_id,
        tuple(columns),
        partitioning.field if partitioning else None,
        clustering=tuple(existing.clustering_fields or ()),
    )


def fields(columns: Sequence[Column]) -> list[SchemaField]:
    """Describe columns as declared."""
    return [
        SchemaField(column.name, column.type, mode=column.mode, description=column.description) for column in columns
    ]


def compare(table: TableSchema, existing: bigquery.Table) -> Difference:
    """Compare a declaration with the table there is. Columns that only the table has are left alone if NULLABLE."""
    there = {field.name.casefold(): field for field in existing.schema}
    absent = [column for column in table.columns if column.name.casefold() not in there]
    conflicts = [_cannot_add(column) for column in absent if column.mode == "REQUIRED"]
    for column in table.columns:
        field = there.get(column.name.casefold())
        if field is not None:
            conflicts += _differs(column, field)
    conflicts += _undeclared(table, existing.schema)
    conflicts += _partitioned_otherwise(table, existing)
    return Difference(tuple(column for column in absent if column.mode != "REQUIRED"), tuple(conflicts))


def _differs(column: Column, field: SchemaField) -> list[str]:
    found = standard_type(field)
    differences = []
    if found != column.type:
        differences.append(
            f"column {column.name} is {found}, declared {column.type}: copy the table with CAST into a new one"
        )
    if (field.mode or "NULLABLE") != column.mode:
        differences.append(
            f"column {column.name} is {field.mode}, declared {column.mode}: {_SWITCHES.get(column.mode, 'rewrite it')}"
        )
    if field.name != column.name:
        differences.append(f"column {field.name} differs from declared {column.name} in case: rename it")
    return differences


def _undeclared(table: TableSchema, schema: Sequence[SchemaField]) -> list[str]:
    declared = {column.name.casefold() for column in table.columns}
    return [
        f"column {field.name} is REQUIRED but not declared: declare it or relax it to NULLABLE"
        for field in schema
        if field.mode == "REQUIRED" and field.name.casefold() not in declared
    ]


def _cannot_add(column: Column) -> str:
    return f"column {column.name} is missing and REQUIRED, which BigQuery cannot add: rewrite the table with it"


def _partitioned_otherwise(table: TableSchema, existing: bigquery.Table) -> list[str]:
    partitioning = existing.time_partitioning
    found = f"{partitioning.type_} of {partitioning.field}" if partitioning else "nothing"
    if existing.range_partitioning:
        found = f"ranges of {existing.range_partitioning.field}"
    declared = f"DAY of {table.partition}" if table.partition else "nothing"
    if found == declared:
        return []
    return [f"partitioned by {found}, declared by {declared}: copy the table into a new one"]


def standard_type(field: SchemaField) -> str:
    """Return the type by its standard SQL name, with precision and scale where they narrow it."""
    name = _STANDARD.get(field.field_type, field.field_type)
    bounds = [str(bound) for bound in (field.precision, field.scale, field.max_length) if bound is not None]
    return f"{name}({', '.join(bounds)})" if bounds else str(name)
