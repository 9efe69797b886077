"""Repair: CREATE PROCEDURE does not take OPTIONS, so a procedure that reads temporary tables cannot say strict_mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bqemulator.scripting.parser import Parser

from sandbox.bigquery.patching import wrap

if TYPE_CHECKING:
    from collections.abc import Callable


def procedure_options() -> None:
    """Pass over the options between a procedure's arguments and its body; none of them changes what it does here."""
    wrap(Parser, "_parse_routine_arg_list", _and_options)


def _and_options(parse: Callable[..., Any], parser: Any, *, for_procedure: bool) -> Any:
    arguments = parse(parser, for_procedure=for_procedure)
    cursor = parser._cursor  # noqa: SLF001
    if for_procedure and cursor.current.value.upper() == "OPTIONS":
        cursor.advance()
        cursor.expect_punct("(")
        while cursor.current.value != ")" and not cursor.at_eof():
            cursor.advance()
        cursor.expect_punct(")")
    return arguments
