"""Repair: the error of a script is kept under a name that `@@error.message` does not lead to."""

from __future__ import annotations

import sqlglot
from bqemulator.scripting import interpreter
from sqlglot import exp

from sandbox.bigquery.patching import wrap

_KEPT_AS = "__error_message__"


def error_message_variable() -> None:
    """Let `@@error.message` in an exception handler read the message the emulator has kept."""
    wrap(interpreter, "_rewrite_vars_to_params", lambda substitute, sql, frames: substitute(_with_name(sql), frames))


def _with_name(sql: str) -> str:
    if "@@" not in sql:
        return sql
    try:
        tree = sqlglot.parse_one(sql, read="bigquery")
    except sqlglot.errors.ParseError:
        return sql
    for dot in list(tree.find_all(exp.Dot)):
        if dot.sql(dialect="bigquery").lower() == "@@error.message":
            dot.replace(exp.column(_KEPT_AS))
    return tree.sql(dialect="bigquery")
