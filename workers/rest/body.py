"""Receiving a body within bounds on bytes sent, bytes decoded and their ratio; a part of a body is never handed on."""

from __future__ import annotations

import re
from collections.abc import Mapping

from aiohttp import ClientResponse

from workers.rest.inflate import InflateError, coding_of

RATIO = 500
_FREE_OF_RATIO = 1 << 20
_JSON = re.compile(r"application/json|text/json|[\w.+-]+/[\w.+-]+\+json", re.ASCII)
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE)


class BodyError(ValueError):
    """Why an answer's body is not taken, in words that quote nothing of it."""


def check_headers(headers: Mapping[str, str]) -> None:
    """Refuse an answer that is no JSON, or whose end could not be told from a broken connection."""
    kind = headers.get("Content-Type", "")
    charset = _CHARSET.search(kind)
    if kind and not _JSON.fullmatch(kind.partition(";")[0].strip().lower()):
        raise BodyError("answered with something other than JSON")
    if charset and charset[1].lower() not in {"utf-8", "utf8", "us-ascii"}:
        raise BodyError("answered in a character set other than UTF-8")
    if "Content-Length" not in headers and "chunked" not in headers.get("Transfer-Encoding", "").lower():
        raise BodyError("answered without saying where the body ends")


async def receive(response: ClientResponse, most: int) -> bytes:
    """Read and decode a whole body of at most `most` bytes, sent and decoded. Raises BodyError, aiohttp's errors."""
    if (response.content_length or 0) > most:
        raise BodyError(f"has a body of more than {most} bytes")
    try:
        coding = coding_of(", ".join(response.headers.getall("Content-Encoding", ())))
        body = bytearray()
        sent = 0
        async for chunk in response.content.iter_any():
            sent += len(chunk)
            for piece in coding.feed(chunk):
                body += piece
                _check(sent, len(body), most)
        coding.finish()
    except InflateError as error:
        raise BodyError(str(error)) from None
    return bytes(body)


def _check(sent: int, decoded: int, most: int) -> None:
    if max(sent, decoded) > most:
        raise BodyError(f"has a body of more than {most} bytes")
    if decoded > _FREE_OF_RATIO and decoded > sent * RATIO:
        raise BodyError(f"has a body that unpacks to more than {RATIO} times its size")
