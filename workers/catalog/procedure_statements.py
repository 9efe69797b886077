"""What a statement in a stored procedure's body may be: it makes temporary tables and nothing that stays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from workers.catalog.token_cursor import Cursor, TextError
from workers.model.sql_tokens import Kind, Token, TokenError, tokens

STATEMENTS = frozenset(
    {
        "BEGIN", "BREAK", "CALL", "CONTINUE", "CREATE", "DECLARE", "ELSE", "ELSEIF", "END", "EXCEPTION", "EXECUTE",
        "FOR", "IF", "ITERATE", "LEAVE", "LOOP", "RAISE", "REPEAT", "RETURN", "SELECT", "SET", "UNTIL", "WHILE", "WITH",
    }
)  # fmt: skip
IDENTIFIER = r"^[A-Za-z_][A-Za-z0-9_]*$"
_GUARD = ("IF", "", "IS", "NULL", "OR", "NOT", "REGEXP_CONTAINS", "(", "", ",", IDENTIFIER, ")", "THEN", "RAISE")
_NAMES, _PATTERN = (1, 8), 10
_PUT_IN = re.compile(r"%(.)", re.DOTALL)


def check_statement(cursor: Cursor, safe: frozenset[str]) -> None:
    """Raise TextError when the statement that begins here may not stand in a procedure; `safe` are checked names."""
    token, following = cursor.here, cursor.following
    if token.word not in STATEMENTS:
        raise cursor.error(f"a procedure makes temporary tables and nothing that stays; not {token.text[:40]!r}")
    if token.word == "BEGIN" and (following.word == "TRANSACTION" or following.is_mark(";")):
        raise cursor.error("a procedure opens no transaction; what it made is published in one")
    for target in _targets(cursor):
        if not target.text.lower().startswith("v_"):
            raise cursor.error(f"variable {target.text} must begin with v_; an argument is never changed", target)
    if token.word == "CREATE":
        _temporary(cursor.tokens[cursor.at : cursor.at + 4])
    if token.word == "EXECUTE":
        begin = cursor.at
        _dynamic(cursor, safe)
        cursor.at = begin


def guarded(cursor: Cursor) -> str | None:
    """Return the x of `IF x IS NULL OR NOT REGEXP_CONTAINS(x, r'…') THEN RAISE`, which is an identifier afterwards."""
    found = cursor.tokens[cursor.at : cursor.at + len(_GUARD)]
    if len(found) < len(_GUARD) or found[_PATTERN].kind is not Kind.STRING or not found[_PATTERN].raw:
        return None
    said = [token.word or token.text for token in found]
    name = said[_NAMES[0]]
    wanted = [name if index in _NAMES else word for index, word in enumerate(_GUARD)]
    return name if said == wanted and name.startswith("P_") else None


def _targets(cursor: Cursor) -> Iterator[Token]:
    """Yield the variables that the statement here makes or sets, but for INTO, which `_dynamic` looks at."""
    match cursor.here.word:
        case "DECLARE":
            yield from _listed(cursor.tokens[cursor.at + 1 :])
        case "SET" if cursor.following.is_mark("("):
            yield from _listed(cursor.tokens[cursor.at + 2 :])
        case "SET" | "FOR":
            yield cursor.following


def _listed(found: Sequence[Token]) -> Iterator[Token]:
    for name, mark in zip(found[::2], found[1::2], strict=False):
        yield name
        if not mark.is_mark(","):
            return


def _temporary(found: Sequence[Token]) -> None:
    words = [token.word for token in found if token.word not in {"OR", "REPLACE"}]
    if words[1:2] not in (["TEMP"], ["TEMPORARY"]):
        raise TextError("a procedure makes temporary tables only", found[0].line, found[0].column)


def _dynamic(cursor: Cursor, safe: frozenset[str]) -> None:
    """Check EXECUTE IMMEDIATE of one string, or of FORMAT with one string and checked names."""
    cursor.expect("EXECUTE", "IMMEDIATE")
    if cursor.here.word == "FORMAT":
        cursor.expect("FORMAT")
        cursor.mark("(")
        places = _places(cursor, cursor.take(Kind.STRING, "a string to put names into"))
        for _ in range(places):
            cursor.mark(",")
            name = cursor.take(Kind.WORD, "an argument that was checked to be an identifier")
            if name.word not in safe:
                raise cursor.error(f"{name.text} goes into SQL and was not checked to be an identifier", name)
        cursor.mark(")")
    else:
        text = cursor.take(Kind.STRING, "a string, or FORMAT of one: SQL put together otherwise cannot be checked")
        _inner(cursor, text)
    if cursor.here.word == "INTO":
        cursor.at += 1
        for target in _listed(cursor.tokens[cursor.at :]):
            if not target.text.lower().startswith("v_"):
                raise cursor.error(f"variable {target.text} must begin with v_; an argument is never changed", target)
    elif cursor.here.word != "USING" and not cursor.here.is_mark(";"):
        raise cursor.error("what is executed is one string, or FORMAT of one")


def _places(cursor: Cursor, text: Token) -> int:
    """Return how many names go into the string; each stands in backticks."""
    marks = [match[1] for match in _PUT_IN.finditer(text.text)]
    if set(marks) - {"s", "%"}:
        raise cursor.error("only %s is put into SQL", text)
    quoted: int = sum(
        match[1] == "s"
        for token in _inner(cursor, text)
        if token.kind is Kind.QUOTED
        for match in _PUT_IN.finditer(token.text)
    )
    if quoted != marks.count("s"):
        raise cursor.error("a name that is put into SQL stands in backticks", text)
    return quoted


def _inner(cursor: Cursor, text: Token) -> list[Token]:
    try:
        inside = [*tokens(text.text)]
    except TokenError as error:
        raise cursor.error(error.what, text) from None
    if not inside or inside[0].word not in {"CREATE", "SELECT", "WITH"} or any(one.is_mark(";") for one in inside):
        raise cursor.error("what is executed is one SELECT, or one CREATE TEMP TABLE", text)
    if inside[0].word == "CREATE":
        try:
            _temporary(inside[:4])
        except TextError as error:
            raise cursor.error(error.what, text) from None
    return inside
