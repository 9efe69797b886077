"""Repair: a column whose name is a word of DuckDB's grammar but not of BigQuery's, such as `at`, does not parse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlglot
from bqemulator.sql import table_rewriter

from sandbox.bigquery.patching import wrap_everywhere

if TYPE_CHECKING:
    from collections.abc import Callable


def quoted_identifiers() -> None:
    """Quote every identifier of the SQL that goes to DuckDB, which stays case-insensitive."""
    wrap_everywhere(table_rewriter.rewrite_table_refs, _quote)


def _quote(rewrite: Callable[..., str], duckdb_sql: str, project_id: str) -> str:
    sql = rewrite(duckdb_sql, project_id)
    try:
        return sqlglot.parse_one(sql, read="duckdb").sql(dialect="duckdb", identify=True)
    except sqlglot.errors.SqlglotError:
        return sql
