"""The elements of one list in a JSON document that is not held: parsed one by one, as strictly as `document` does.

Given bytes in pieces of any size and the keys that lead to the list; hands on the elements, and at the end what
stands around them, with an empty list in their place.
"""

from __future__ import annotations

import json
from codecs import getincrementaldecoder
from collections.abc import Generator, Iterator
from typing import Any

from workers.rest.document import Pairs, decoder_for, encodable_members, explained

_SPACE = " \t\n\r"
_OF_NUMBERS = "-+.0123456789eE"


class Elements:
    """Iterate once, to the end; `value` is the rest of the document then, and `chars` how much of it lies behind.

    Where there is no list nothing is iterated, and `value` shows it. Raises DocumentError.
    """

    def __init__(self, pieces: Iterator[bytes], keys: tuple[str, ...]) -> None:
        self._text = _Text(pieces)
        self._keys = keys
        self.value: Any = None

    @property
    def chars(self) -> int:
        """How many characters were parsed."""
        return self._text.behind

    def __iter__(self) -> Iterator[Any]:
        with explained():
            self.value = yield from self._value(self._keys)
            if self._text.next():
                raise self._text.wrong("Extra data")

    def _value(self, keys: tuple[str, ...]) -> Generator[Any, None, Any]:
        opening = self._text.next()
        if keys and opening == "{":
            return (yield from self._members(keys))
        if not keys and opening == "[":
            return (yield from self._listed())
        return self._text.value()

    def _members(self, keys: tuple[str, ...]) -> Generator[Any, None, Any]:
        text = self._text
        pairs: Pairs = []
        closed = text.opened("}")
        while not closed:
            if text.next() != '"':
                raise text.wrong("Expecting property name enclosed in double quotes")
            name = text.value()
            text.expect(":")
            pairs.append((name, (yield from self._value(keys[1:])) if name == keys[0] else text.value()))
            closed = text.ended("}")
        return encodable_members(pairs)

    def _listed(self) -> Generator[Any, None, Any]:
        text = self._text
        closed = text.opened("]")
        while not closed:
            yield text.value()
            closed = text.ended("]")
        return []


class _Text:
    """A window on a document's text, which grows until it holds the next value, and moves on behind it."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._utf8 = getincrementaldecoder("utf-8")()
        self._window = self._half_number = ""
        self._decoder = decoder_for("")
        self._at = self._before = self._last = 0
        self._whole = False

    @property
    def behind(self) -> int:
        """How many characters were passed."""
        return self._before + self._at

    def next(self) -> str:
        """Return the next character that is no space, without passing it; the empty text at the end."""
        while True:
            while (mark := self._window[self._at : self._at + 1]) and mark in _SPACE:
                self._at += 1
            if mark or not self._grow(1):
                return mark

    def opened(self, closing: str) -> bool:
        """Pass the character that opens an object or a list; tell, and pass its end, when it is empty."""
        self._at += 1
        empty = self.next() == closing
        self._at += empty
        return empty

    def expect(self, mark: str) -> None:
        """Pass a character."""
        if self.next() != mark:
            raise self.wrong(f"Expecting {mark!r} delimiter")
        self._at += 1

    def ended(self, closing: str) -> bool:
        """Pass what ends an object or a list, or else the comma before the next."""
        ended = self.next() == closing
        self.expect(closing if ended else ",")
        return ended

    def value(self) -> Any:
        """Parse the next value and pass it."""
        self.next()
        if len(self._window) - self._at < self._last:
            self._grow(self._last + self._last // 4)  # the one before was as long
        while True:
            try:
                value, end = self._decoder.raw_decode(self._window, self._at)
            except json.JSONDecodeError as error:
                # It may only be cut off, which no error tells for certain; tried again when there is four times as
                # much, it costs a third more.
                if not self._grow(4 * (len(self._window) - self._at)):
                    raise self._moved(error) from None
            else:
                self._last, self._at = end - self._at, end
                return value

    def wrong(self, why: str) -> json.JSONDecodeError:
        """Return the error that says so of the character that is next."""
        return self._moved(json.JSONDecodeError(why, self._window, self._at))

    def _moved(self, error: json.JSONDecodeError) -> json.JSONDecodeError:
        error.pos += self._before
        return error

    def _grow(self, chars: int) -> bool:
        """Let the window hold so many characters from here on, or all there are; tell whether any came to it.

        It never ends within a number, of which a part would be a number, too.
        """
        shown = text = self._window[self._at :]
        held = len(text)
        while not self._whole and len(shown) <= held:
            text += self._decoded(chars - len(text))
            shown = text if self._whole else text.rstrip(_OF_NUMBERS)
        self._before, self._at = self._before + self._at, 0
        self._window, self._half_number = shown, text[len(shown) :]
        self._decoder = decoder_for(shown)
        return len(shown) > held

    def _decoded(self, chars: int) -> str:
        """Decode pieces until there are so many characters; at least one piece."""
        texts, self._half_number = [self._half_number], ""
        while not self._whole:
            piece = next(self._pieces, b"")
            self._whole = not piece
            texts.append(self._utf8.decode(piece, self._whole))
            chars -= len(texts[-1])
            if chars <= 0:
                break
        return "".join(texts)
