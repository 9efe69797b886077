"""Walks the tokens of a SQL text, saying at every surprise what was expected and where."""

from __future__ import annotations

from collections.abc import Sequence

from workers.model.sql_tokens import Kind, Token

_NOTHING = Token(Kind.MARK, "", 1, 1)


class TextError(ValueError):
    """What is wrong with a text, and where; line and column count from 1."""

    def __init__(self, what: str, line: int, column: int) -> None:
        super().__init__(what)
        self.what, self.line, self.column = what, line, column


class Cursor:
    """A place among tokens; `at` may be set back."""

    def __init__(self, found: Sequence[Token]) -> None:
        self.tokens = found
        self.at = 0

    @property
    def here(self) -> Token:
        """The token at the place; raises TextError past the end."""
        if self.at >= len(self.tokens):
            last = self.tokens[-1] if self.tokens else _NOTHING
            raise TextError("the text does not end here", last.line, last.column)
        return self.tokens[self.at]

    @property
    def ended(self) -> bool:
        """Whether all tokens are passed."""
        return self.at >= len(self.tokens)

    @property
    def following(self) -> Token:
        """The token after the one here; one that is nothing at the end."""
        return self.tokens[self.at + 1] if self.at + 1 < len(self.tokens) else _NOTHING

    def expect(self, *words: str) -> None:
        """Pass these words."""
        for word in words:
            if self.here.word != word:
                raise self.error(f"{word} is expected, not {self.here.text[:40]!r}")
            self.at += 1

    def mark(self, mark: str) -> None:
        """Pass this mark."""
        if not self.skip(mark):
            raise self.error(f"{mark!r} is expected, not {self.here.text[:40]!r}")

    def skip(self, mark: str) -> bool:
        """Pass this mark if it is here."""
        found = not self.ended and self.here.is_mark(mark)
        self.at += found
        return found

    def take(self, kind: Kind, what: str) -> Token:
        """Pass a token of a kind and return it."""
        token = self.here
        if token.kind is not kind:
            raise self.error(f"{what} is expected")
        self.at += 1
        return token

    def error(self, what: str, token: Token | None = None) -> TextError:
        """Build the error at a token, or at the one here."""
        token = token or self.here
        return TextError(what, token.line, token.column)
