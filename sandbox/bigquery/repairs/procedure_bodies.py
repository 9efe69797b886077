"""Repair: CREATE PROCEDURE ends at the first END, so a body with IF, LOOP, CASE or a transaction does not parse."""

from __future__ import annotations

from typing import Any

from bqemulator.domain.errors import InvalidQueryError
from bqemulator.scripting.parser import Parser

from sandbox.bigquery.patching import patch

_OPENS_STATEMENT = frozenset({"IF", "WHILE", "LOOP", "FOR", "REPEAT", "BEGIN"})
_REPEATED_AFTER_END = frozenset({"IF", "WHILE", "LOOP", "FOR", "REPEAT", "CASE"})
_BEFORE_STATEMENT = frozenset({";", "BEGIN", "THEN", "ELSE", "DO", "LOOP", "REPEAT"})


def procedure_bodies() -> None:
    """Capture a procedure's body up to the END that matches its BEGIN."""
    patch(Parser, "_capture_balanced_block", _capture_body)


def _capture_body(parser: Any) -> str:
    cursor = parser._cursor  # noqa: SLF001
    start = cursor.pos
    blocks = ["BEGIN"]
    previous = "BEGIN"
    while not cursor.at_eof():
        word = cursor.current.value.upper()
        if word == "END":
            blocks.pop()
            if not blocks:
                body: str = cursor.slice(start, cursor.pos)
                cursor.advance()
                return body
            if cursor.peek().value.upper() in _REPEATED_AFTER_END:
                cursor.advance()
        elif _opens(word, previous, cursor.peek().value.upper(), blocks[-1]):
            blocks.append(word)
        previous = word
        cursor.advance()
    raise InvalidQueryError("Unterminated BEGIN ... END block")


def _opens(word: str, previous: str, following: str, innermost: str) -> bool:
    if word == "CASE":
        return True
    starts_statement = previous in _BEFORE_STATEMENT and innermost != "CASE"
    return word in _OPENS_STATEMENT and starts_statement and not (word == "BEGIN" and following in ("TRANSACTION", ";"))
