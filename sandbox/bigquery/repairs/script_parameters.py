"""Repair: a script takes no query parameters, and its variables lose their declared type on every use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlglot
from bqemulator.jobs import executor
from bqemulator.scripting import interpreter

from sandbox.bigquery.parameters import Parameter, bind_tree, declared, number_positions, placeholder
from sandbox.bigquery.patching import patch, wrap

if TYPE_CHECKING:
    from collections.abc import Callable

_MARK = "@"  # no declared variable can be called that


def script_parameters() -> None:
    """Bring parameters into a script as read-only variables of its outermost frame, typed like any variable."""
    wrap(executor, "_run_query_body", _declare_first)
    wrap(interpreter, "_rewrite_vars_to_params", _bind_marked)
    patch(interpreter, "_build_scalar_placeholder", _typed_variable)


async def _declare_first(run: Callable[..., Any], *, is_scripted: bool, query_params: Any, **given: Any) -> Any:
    if not is_scripted:
        return await run(is_scripted=False, query_params=query_params, **given)
    running = interpreter.ScriptInterpreter(given["ctx"], given["project_id"], caller=given["effective_caller"])
    known = declared(query_params)
    for name, parameter in known.items():
        running._frames.declare(_MARK + name, parameter.type_name, parameter.value)  # noqa: SLF001
    source = number_positions(given["bq_sql"]) if known else given["bq_sql"]
    return await executor._run_script(running, source, given["ctx"])  # noqa: SLF001


def _bind_marked(substitute: Callable[..., Any], bq_sql: str, frames: Any) -> tuple[str, list[Any]]:
    """Add the parameters to a statement whose variables are already placeholders."""
    sql, values = substitute(bq_sql, frames)
    marked = {name: variable for name, variable in frames.all_visible().items() if name.startswith(_MARK)}
    if not marked or "@" not in sql:
        return sql, values
    try:
        tree = sqlglot.parse_one(sql, read="bigquery")
    except sqlglot.errors.ParseError:
        return sql, values
    bind_tree(tree, lambda name: _as_parameter(marked.get(_MARK + name)), values)
    return tree.sql(dialect="bigquery"), values


def _typed_variable(value: Any, type_name: str | None, values: list[Any]) -> Any:
    return placeholder(Parameter(type_name or "", value), values)


def _as_parameter(variable: Any) -> Parameter | None:
    return None if variable is None else Parameter(variable.type_name, variable.value)
