"""Repair: NUMERIC is divided as floating point, right to some fifteen digits where BigQuery keeps all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlglot
from bqemulator.sql import table_rewriter
from bqemulator.storage.engine import DuckDBEngine
from sqlglot import exp

from sandbox.bigquery.patching import wrap, wrap_everywhere

if TYPE_CHECKING:
    from collections.abc import Callable

_NAME = "DIVIDE_AS_BIGQUERY"  # sqlglot writes function names in capitals
# DuckDB picks by the types of the operands as BigQuery does: NUMERIC unless one is FLOAT64 or both are INT64. The
# quotient of the unscaled integers is rounded half away from zero; it holds for dividends below 8.5e19.
_MACRO = f"""
CREATE OR REPLACE TEMP MACRO {_NAME}(a DECIMAL(38, 9), b DECIMAL(38, 9)) AS
  CAST(sign(a) * sign(b) AS TINYINT)
  * CAST(
      (CAST(abs(a) * 1000000000 AS HUGEINT) * 2000000000 + CAST(abs(b) * 1000000000 AS HUGEINT))
      // (CAST(abs(b) * 1000000000 AS HUGEINT) * 2)
    AS DECIMAL(38, 0))
  * CAST('0.000000001' AS DECIMAL(9, 9)),
(a DOUBLE, b DOUBLE) AS a / b
"""


def exact_division() -> None:
    """Divide by a macro with exact arithmetic for NUMERIC.

    Not where an operand holds an aggregate, a window or a subquery: DuckDB cannot choose between the two by it.
    """
    wrap(DuckDBEngine, "execute", _with_macro)
    wrap_everywhere(table_rewriter.rewrite_table_refs, _divide_exactly)


def _with_macro(execute: Callable[..., Any], engine: Any, sql: str, *args: Any, **kwargs: Any) -> Any:
    """Make the macro in this session: only a temporary one may choose by type, in the files DuckDB writes."""
    if _NAME in sql:
        engine.connection.execute(_MACRO)
    return execute(engine, sql, *args, **kwargs)


def _divide_exactly(rewrite: Callable[..., str], duckdb_sql: str, project_id: str) -> str:
    sql = rewrite(duckdb_sql, project_id)
    if "/" not in sql:
        return sql
    try:
        tree = sqlglot.parse_one(sql, read="duckdb")
    except sqlglot.errors.SqlglotError:
        return sql
    return sql if isinstance(tree, exp.Create) and tree.kind == "VIEW" else tree.transform(_as_macro).sql("duckdb")


def _as_macro(node: exp.Expr) -> exp.Expr:
    if not isinstance(node, exp.Div) or node.find(exp.AggFunc, exp.Window, exp.Query, exp.AnonymousAggFunc):
        return node
    return exp.Anonymous(this=_NAME, expressions=[node.this, node.expression])
