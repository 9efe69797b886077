"""Repair: NUMERIC reaches DuckDB as a bare DECIMAL, which is DECIMAL(18,3): digits are lost without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp
from sqlglot.generators.duckdb import DuckDBGenerator

from sandbox.bigquery.patching import wrap

if TYPE_CHECKING:
    from collections.abc import Callable


def numeric_scale() -> None:
    """Write every NUMERIC without a precision as DECIMAL(38, 9), in casts, DDL, arrays and structs alike."""
    wrap(DuckDBGenerator, "datatype_sql", _with_scale)


def _with_scale(generate: Callable[..., str], generator: Any, expression: exp.DataType) -> str:
    if expression.this is exp.DataType.Type.DECIMAL and not expression.expressions:
        expression = exp.DataType.build("DECIMAL(38, 9)", dialect="duckdb")
    return generate(generator, expression)
