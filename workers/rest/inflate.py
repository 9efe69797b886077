"""Undoing a content coding piece by piece, so that a small answer cannot become a large one unseen."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

_PIECE = 1 << 20
_GZIP = 16 + zlib.MAX_WBITS


class InflateError(ValueError):
    """What is wrong with the coding of a body."""


class Coding(Protocol):
    """Takes received chunks and gives decoded pieces; `finish` raises InflateError when the end is missing."""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Decode a chunk. Raises InflateError."""

    def finish(self) -> None:
        """Check that the body was whole."""


def coding_of(encoding: str) -> Coding:
    """Choose by a Content-Encoding header; raises InflateError for any other than gzip, deflate and identity."""
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return _Identity()
    if name in {"gzip", "x-gzip"}:
        return _Zlib(_GZIP)
    if name == "deflate":
        return _Zlib(None)
    raise InflateError("has a content encoding that was not asked for")


class _Identity:
    def feed(self, chunk: bytes) -> Iterator[bytes]:
        yield chunk

    def finish(self) -> None:
        pass


class _Zlib:
    """gzip, or deflate in both of its readings when `window` is None: with a zlib header, or raw."""

    def __init__(self, window: int | None) -> None:
        self._window = window
        self._decoder = zlib.decompressobj(window) if window else None

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        decoder = self._decoder = self._decoder or zlib.decompressobj(_deflate_window(chunk))
        rest = chunk
        while True:
            try:
                piece = decoder.decompress(rest, _PIECE)
            except zlib.error:
                raise InflateError("is not encoded as it says") from None
            if decoder.unused_data:
                raise InflateError("goes on after the end of its encoding")
            yield piece
            rest = decoder.unconsumed_tail
            if not rest and len(piece) < _PIECE:
                return

    def finish(self) -> None:
        if self._decoder is None or not self._decoder.eof:
            raise InflateError("ends before its encoding does")


def _deflate_window(chunk: bytes) -> int:
    # RFC 1950: the low half of a zlib header's first byte is 8; raw deflate of text never begins so.
    return zlib.MAX_WBITS if chunk[0] & 0xF == zlib.DEFLATED else -zlib.MAX_WBITS
