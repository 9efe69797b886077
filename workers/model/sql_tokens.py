"""BigQuery SQL as tokens with their places: enough to check a text before it is sent, without understanding it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum

from attrs import frozen


class Kind(StrEnum):
    """What a token is."""

    WORD = "word"
    QUOTED = "quoted name"
    STRING = "string"
    NUMBER = "number"
    MARK = "mark"


@frozen
class Token:
    """A piece of SQL; `text` is what it says without its quotes, `raw` whether backslashes in it stand for themselves.

    Line and column count from 1.
    """

    kind: Kind
    text: str
    line: int
    column: int
    raw: bool = False

    @property
    def word(self) -> str:
        """The word in upper case; empty for anything else."""
        return self.text.upper() if self.kind is Kind.WORD else ""

    def is_mark(self, mark: str) -> bool:
        """Whether it is this mark."""
        return self.kind is Kind.MARK and self.text == mark


class TokenError(ValueError):
    """A quote or comment that does not end, at a place."""

    def __init__(self, what: str, line: int, column: int) -> None:
        super().__init__(what)
        self.what, self.line, self.column = what, line, column


_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|\#[^\n]*|/\*.*?\*/)
    |(?P<string>(?P<prefix>[rRbB]{0,2})(?P<quote>'''|\"\"\"|'|\"))
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*|@@?[A-Za-z_][A-Za-z0-9_.]*)
    |(?P<number>[0-9][A-Za-z0-9_.]*)
    |`(?P<quoted>[^`\n]*)`
    |(?P<open>/\*|`)
    |(?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)


def tokens(sql: str) -> Iterator[Token]:
    """Yield the tokens without space and comments; raise TokenError where a quote or comment does not end."""
    position, lines = 0, _Lines(sql)
    while match := _TOKEN.match(sql, position):
        line, column = lines.place(position)
        position = match.end()
        if match["open"]:
            raise TokenError("a comment or quoted name does not end", line, column)
        if match["string"]:
            text, position = _string(sql, match, line, column)
            yield Token(Kind.STRING, text, line, column, "r" in match["prefix"].lower())
        elif match["quoted"] is not None:
            yield Token(Kind.QUOTED, match["quoted"], line, column)
        elif not match["space"]:
            kind = next(kind for kind in (Kind.WORD, Kind.NUMBER, Kind.MARK) if match[kind.value])
            yield Token(kind, match[0], line, column)


def _string(sql: str, match: re.Match[str], line: int, column: int) -> tuple[str, int]:
    """Return what stands between the quotes, as written, and where the string ends."""
    quote, begin = match["quote"], match.end()
    position = begin
    while position < len(sql):
        if sql[position] == "\\":
            position += 2
        elif sql.startswith(quote, position):
            return sql[begin:position], position + len(quote)
        elif sql[position] == "\n" and len(quote) == 1:
            break
        else:
            position += 1
    raise TokenError("a string does not end", line, column)


class _Lines:
    def __init__(self, text: str) -> None:
        self._text = text
        self._counted, self._line, self._begin = 0, 1, 0

    def place(self, position: int) -> tuple[int, int]:
        """Return line and column; positions must not go back."""
        passed = self._text.count("\n", self._counted, position)
        if passed:
            self._line += passed
            self._begin = self._text.rindex("\n", self._counted, position) + 1
        self._counted = position
        return self._line, position - self._begin + 1
