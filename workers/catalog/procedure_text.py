"""The text of a stored procedure, checked before anything is sent: what it is called, takes, calls and may do.

A file holds one CREATE OR REPLACE PROCEDURE of its own name. Its body makes temporary tables and nothing that stays.
SQL that is put together at run time is one string; what is put into it stands in backticks and is an argument that
the body has checked to be an identifier before, outside of every IF, loop and inner block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import field, mutable

from workers.catalog.procedure_statements import check_statement, guarded
from workers.catalog.token_cursor import Cursor, TextError
from workers.model.routine import Argument
from workers.model.sql_tokens import Kind, TokenError, tokens

PLACEHOLDERS = ("{project_id}", "{central_dataset}")
TYPES = frozenset({"STRING", "DATE", "TIMESTAMP", "INT64", "NUMERIC", "FLOAT64", "BOOL"})
_BEFORE_STATEMENT = frozenset({"BEGIN", "THEN", "ELSE", "DO", "LOOP"})
_HOLDING = frozenset({"BEGIN", "IF", "LOOP", "WHILE", "FOR", "REPEAT"})
_AFTER_END = frozenset({"IF", "LOOP", "WHILE", "FOR", "REPEAT"})
_BRACES = re.compile(r"\{[A-Za-z_]*\}")


@mutable
class Checked:
    """What a sound text says."""

    arguments: tuple[Argument, ...] = ()
    calls: set[str] = field(factory=set)


def check(name: str, text: str) -> Checked:
    """Read a text; raise TextError at the first thing that is wrong."""
    _placeholders(text)
    try:
        cursor = Cursor([*tokens(text)])
    except TokenError as error:
        raise TextError(error.what, error.line, error.column) from None
    checked = Checked()
    cursor.expect("CREATE", "OR", "REPLACE", "PROCEDURE")
    where = cursor.here
    if _path(cursor) != name:
        raise cursor.error(f"the procedure must be called {name}, as its file", where)
    checked.arguments = tuple(_arguments(cursor))
    _options(cursor)
    _body(cursor, checked)
    if not cursor.ended:
        raise cursor.error("nothing may follow the procedure")
    return checked


def _placeholders(text: str) -> None:
    for match in _BRACES.finditer(text):
        if match[0] not in PLACEHOLDERS:
            line = text.count("\n", 0, match.start()) + 1
            raise TextError(f"{match[0]} is not substituted, only {' and '.join(PLACEHOLDERS)} are", line, 1)


def _path(cursor: Cursor) -> str:
    """Read `{project_id}`.`{central_dataset}`.name in any quoting; return the name."""
    where, pieces = cursor.here, []
    while cursor.here.kind in {Kind.QUOTED, Kind.WORD}:
        pieces.append(cursor.here.text)
        cursor.at += 1
        if not cursor.skip("."):
            break
    parts = ".".join(pieces).split(".")
    if tuple(parts[:-1]) != PLACEHOLDERS:
        raise cursor.error(f"a procedure is named `{PLACEHOLDERS[0]}`.`{PLACEHOLDERS[1]}`.`name`", where)
    return parts[-1]


def _arguments(cursor: Cursor) -> Iterator[Argument]:
    cursor.mark("(")
    while not cursor.skip(")"):
        name = cursor.take(Kind.WORD, "the name of an argument")
        if not name.text.startswith("p_"):
            raise cursor.error(f"argument {name.text} must begin with p_; a column may have its name", name)
        kind = cursor.take(Kind.WORD, "the type of an argument")
        if kind.word not in TYPES:
            raise cursor.error(f"an argument is one of {', '.join(sorted(TYPES))}", kind)
        yield Argument(name.text, kind.word)
        if not cursor.here.is_mark(")"):
            cursor.mark(",")


def _options(cursor: Cursor) -> None:
    if cursor.here.word != "OPTIONS":
        return
    cursor.expect("OPTIONS")
    cursor.mark("(")
    cursor.expect("STRICT_MODE")
    cursor.mark("=")
    if cursor.here.word not in {"TRUE", "FALSE"}:
        raise cursor.error("the only option is strict_mode, TRUE or FALSE")
    cursor.at += 1
    cursor.mark(")")


def _body(cursor: Cursor, checked: Checked) -> None:
    cursor.expect("BEGIN")
    blocks, parentheses, begins = ["BEGIN"], 0, True
    safe: frozenset[str] = frozenset()
    while blocks:
        token = cursor.here
        begins = begins and not token.is_mark(";")
        if begins:
            safe = _statement(cursor, checked, safe, outermost=len(blocks) == 1)
        if token.word == "END":
            blocks.pop()
            cursor.at += bool(blocks) and cursor.following.word in _AFTER_END
        elif token.word == "CASE" or (begins and token.word in _HOLDING):
            blocks.append(token.word)
        parentheses += token.is_mark("(") - token.is_mark(")")
        cursor.at += 1
        in_expression = parentheses or "CASE" in blocks[-1:]
        repeats = begins and token.word == "REPEAT"  # elsewhere it is a function
        begins = not in_expression and (token.is_mark(";") or token.word in _BEFORE_STATEMENT or repeats)
    cursor.skip(";")


def _statement(cursor: Cursor, checked: Checked, safe: frozenset[str], *, outermost: bool) -> frozenset[str]:
    """Check the statement here and return the names that are known to be identifiers after it."""
    check_statement(cursor, safe)
    if cursor.here.word == "EXCEPTION":
        return frozenset()  # whatever failed before may have been the check itself
    if cursor.here.word == "CALL":
        begin = cursor.at
        cursor.at += 1
        checked.calls.add(_path(cursor))
        cursor.at = begin
    name = guarded(cursor) if outermost else None
    return safe | {name} if name else safe
