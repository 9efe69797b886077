"""Repair: query parameters are put in by searching the finished SQL for `@name`, string literals included.

What is bound is the Python value alone: an empty array has no type, a NUMERIC keeps whatever scale its digits show,
BYTES arrive as their base64 text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bqemulator.jobs import executor

from sandbox.bigquery.parameters import Bound, bind, declared, number_positions
from sandbox.bigquery.patching import wrap

if TYPE_CHECKING:
    from collections.abc import Callable


def typed_parameters() -> None:
    """Bind parameters in the syntax tree of a single statement, each with its declared type."""
    wrap(executor, "_run_single_sql", _bind_first)
    wrap(executor, "bind_parameters", _keep_bound)


async def _bind_first(
    run: Callable[..., Any], project_id: str, bq_sql: str, query_params: Any, ctx: Any, *, caller: Any
) -> Any:
    known = declared(query_params)
    sql, values = bind(number_positions(bq_sql) if known else bq_sql, known)
    return await run(project_id, sql, values, ctx, caller=caller)


def _keep_bound(bind_late: Callable[..., Any], sql: str, values: Any = None) -> Any:
    return (sql, values) if isinstance(values, Bound) else bind_late(sql, values)
