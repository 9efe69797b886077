"""Receiving a body within bounds on bytes sent, bytes decoded and their ratio; a part of a body is never handed on."""

from __future__ import annotations

import re
from asyncio import Future
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager

from aiohttp import ClientPayloadError, ClientResponse

from workers.model.body import BodyFormat
from workers.rest.inflate import InflateError, coding_of

RATIO = 500
_FREE_OF_RATIO = 1 << 20
_KINDS = {
    "json": ("JSON", re.compile(r"application/json|text/json|[\w.+-]+/[\w.+-]+\+json", re.ASCII)),
    "ndjson": (
        "lines of JSON",
        re.compile(r"application/(x-)?(ndjson|jsonl|json-?lines|jsonl?\+lines|json|octet-stream)|text/plain", re.ASCII),
    ),
    "csv": (
        "CSV",
        re.compile(
            r"(text|application)/(x-)?(csv|comma-separated-values)|text/plain|"
            r"application/(octet-stream|vnd\.ms-excel)",
            re.ASCII,
        ),
    ),
}
_GZIP_FILE = re.compile(r"application/(x-)?gzip|application/octet-stream", re.ASCII)
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE)


class BodyError(ValueError):
    """Why an answer's body is not taken, in words that quote nothing of it."""


def check_headers(headers: Mapping[str, str], form: BodyFormat = BodyFormat()) -> None:  # noqa: B008 - a value
    """Refuse an answer of another kind, or whose end could not be told from a broken connection."""
    kind = headers.get("Content-Type", "")
    charset = _CHARSET.search(kind)
    name, accepted = _KINDS[form.kind]
    plain = kind.partition(";")[0].strip().lower()
    if kind and not accepted.fullmatch(plain) and not (form.gzipped and _GZIP_FILE.fullmatch(plain)):
        raise BodyError(f"answered with something other than {name}")
    if charset and charset[1].lower() not in {"utf-8", "utf8", "us-ascii"}:
        raise BodyError("answered in a character set other than UTF-8")
    if "Content-Length" not in headers and "chunked" not in headers.get("Transfer-Encoding", "").lower():
        raise BodyError("answered without saying where the body ends")


async def receive(response: ClientResponse, most: int) -> bytes:
    """Read and decode a whole body of at most `most` bytes, sent and decoded. Raises BodyError, aiohttp's errors."""
    body = bytearray()
    await receive_into(response, most, body.extend)
    return bytes(body)


async def receive_into(
    response: ClientResponse, most: int, take: Callable[[bytes], object], *, gzipped: bool = False
) -> None:
    """Hand on each decoded piece of a body, as `receive`; `gzipped` is a gzip file inside the coding it is sent in."""
    if (response.content_length or 0) > most:
        raise BodyError(f"has a body of more than {most} bytes")
    try:
        coding = coding_of(", ".join(response.headers.getall("Content-Encoding", ())))
        file = coding_of("gzip" if gzipped else "")
        sent = decoded = 0
        async for chunk in _pieces(response):
            sent += len(chunk)
            for piece in (inner for outer in coding.feed(chunk) for inner in file.feed(outer)):
                decoded += len(piece)
                _check(sent, decoded, most)
                take(piece)
        coding.finish()
        file.finish()
    except InflateError as error:
        raise BodyError(str(error)) from None


async def _pieces(response: ClientResponse) -> AsyncIterator[bytes]:
    """Yield a body as it comes; ClientPayloadError also where aiohttp only hangs up and lets its reader wait."""
    with _told_when_closed(response):
        try:
            async for chunk in response.content.iter_any():
                yield chunk
        except RuntimeError:  # what aiohttp says to a reader who asks after it has hung up
            raise ClientPayloadError("broken off") from None


@contextmanager
def _told_when_closed(response: ClientResponse) -> Iterator[None]:
    """Let a reader hear that the connection is gone: of a chunk that is malformed aiohttp tells its protocol only."""
    content, connection = response.content, response.connection
    protocol = connection.protocol if connection is not None else None
    closed = protocol.closed if protocol is not None else None

    def tell(_: Future[None]) -> None:
        if not content.is_eof() and content.exception() is None:
            content.set_exception(ClientPayloadError("broken off"))

    if closed is None:
        yield
        return
    # A connection lives on after its answer; once, however many answers it brings, somebody has to hear of its end.
    closed.remove_done_callback(_heard)
    closed.add_done_callback(_heard)
    closed.add_done_callback(tell)
    try:
        yield
    finally:
        closed.remove_done_callback(tell)


def _heard(closed: Future[None]) -> None:
    """Take the end of a connection, so that asyncio does not complain of it."""
    if not closed.cancelled():
        closed.exception()


def _check(sent: int, decoded: int, most: int) -> None:
    if max(sent, decoded) > most:
        raise BodyError(f"has a body of more than {most} bytes")
    if decoded > _FREE_OF_RATIO and decoded > sent * RATIO:
        raise BodyError(f"has a body that unpacks to more than {RATIO} times its size")
