"""Rows to publish, and the SELECT that gives them: from stages, or from a query that somebody wrote. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from workers.adapters.bigquery.aim import FILLED_IN
from workers.adapters.bigquery.names import quoted, sha256
from workers.adapters.bigquery.rendering import fill
from workers.model.table import Column, TableSchema
from workers.ports import Reached, Row

ORDINAL = Column("dp_ordinal", "INT64")
"""Numbers the rows of a load whose keys count: of several with the same keys the one written last is published."""


@frozen
class Source:
    """Rows to publish: stages whose JSON columns are text, or a SELECT or table just `made`, without lineage columns.

    `content` is the SHA-256 that stands for the rows; `parameters` are the SELECT's own. `lacking` are the columns
    that a stage was made without, by its name. With `keys` the rows of stages are made unique by them. Of rows, here
    and in the table, only those are meant that were `reached`.
    """

    content: str
    stages: tuple[str, ...] = ()
    select: str = ""
    made: str = ""
    parameters: Row = field(factory=dict)
    lacking: Mapping[str, frozenset[str]] = field(factory=dict)
    keys: tuple[str, ...] = ()
    reached: Reached | None = None

    @property
    def computed(self) -> bool:
        """Whether BigQuery itself computed the rows."""
        return bool(self.select or self.made)


def staged_columns(table: TableSchema, keys: Sequence[str] = ()) -> tuple[Column, ...]:
    """Return the columns that rows bring along: all but those the promote fills in."""
    brought = tuple(column for column in table.columns if column.name not in FILLED_IN)
    return (*brought, ORDINAL) if keys else brought


def rows_of(clauses: Mapping[str, str], path: str, table: TableSchema, source: Source, target: str) -> str:
    """Write the SELECT; `path` is the quoted name of the dataset that stages are in."""
    if source.select:
        return source.select
    if source.made:
        return fill(clauses["rows.made"], made=quoted(source.made))
    if not source.stages:
        columns = ", ".join(quoted(column.name) for column in table.columns)
        return fill(clauses["rows.none"], columns=columns, target=target)
    columns_of = staged_columns(table, source.keys)
    stages = (
        fill(
            clauses["rows.stage"],
            columns=", ".join(
                _staged(clauses, column, source.lacking.get(stage, frozenset())) for column in columns_of
            ),
            stage=f"{path}.{quoted(stage)}",
        )
        for stage in source.stages
    )
    rows = f"\n{clauses['rows.and']}\n".join(stages)
    if not source.keys:
        return rows
    keys = ", ".join(quoted(key) for key in source.keys)
    return fill(clauses["rows.latest"], rows=rows, keys=keys, ordinal=quoted(ORDINAL.name))


def _staged(clauses: Mapping[str, str], column: Column, lacking: frozenset[str]) -> str:
    name = quoted(column.name)
    if column.name not in lacking:
        return name
    return fill(clauses["rows.absent"], column=name, type="STRING" if column.type == "JSON" else column.type)


def content_of(hashes: Sequence[str]) -> str:
    """Return the SHA-256 that stands for files: a single file's own."""
    return hashes[0] if len(hashes) == 1 else sha256(*hashes)
