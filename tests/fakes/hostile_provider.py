"""A provider that speaks HTTP as badly as asked: each path has a script of behaviours, the last one repeats.

It is raw asyncio on loopback, so that it can send what no HTTP library would.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import ssl
import struct
import zlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from attrs import define, field, frozen

_PIECE = 1 << 20


@frozen
class Heard:
    """A request as it came in."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))


@frozen
class Line:
    """A connection to write to."""

    writer: asyncio.StreamWriter
    heard: Heard

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Send RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def hang(self) -> None:
        """Say nothing more until the server is stopped."""
        await asyncio.Event().wait()


Behaviour = Callable[[Line], Awaitable[None]]


def raw(*parts: bytes) -> Behaviour:
    """Send bytes as they are, and close."""

    async def behave(line: Line) -> None:
        for part in parts:
            await line.send(part)
        line.writer.close()

    return behave


def head(status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def answer(
    body: bytes = b"", status: str = "200 OK", content_type: str = "application/json", **headers: str
) -> Behaviour:
    """Answer as a well-behaved server would, and keep the connection open."""

    async def behave(line: Line) -> None:
        await line.send(head(status, Content_Type=content_type, Content_Length=str(len(body)), **headers))
        for start in range(0, len(body), _PIECE):
            await line.send(body[start : start + _PIECE])

    return behave


def rows(*items: Any, **beside: Any) -> Behaviour:
    """Answer a page: the items at `data`, other members beside it."""
    return answer(json.dumps({"data": items, **beside}).encode())


def text(body: str) -> Behaviour:
    return answer(body.encode())


def by_request(reply: Callable[[Heard], bytes]) -> Behaviour:
    """Answer with what a function makes of the request."""

    async def behave(line: Line) -> None:
        await answer(reply(line.heard))(line)

    return behave


def encoded(body: bytes, encoding: str) -> Behaviour:
    """Answer bytes under a Content-Encoding, true or not."""
    return answer(body, Content_Encoding=encoding)


def gzip_bomb(size: int) -> Behaviour:
    """Answer zeros that unpack to `size` bytes."""
    return encoded(gzip.compress(b"\0" * size), "gzip")


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


async def hang(line: Line) -> None:
    """Take the request and say nothing."""
    await line.hang()


async def half_head(line: Line) -> None:
    """Stop in the middle of the headers."""
    await line.send(b"HTTP/1.1 200 OK\r\nContent-Ty")
    await line.hang()


async def hang_in_body(line: Line) -> None:
    await line.send(head(Content_Type="application/json", Content_Length="100") + b'{"data": [')
    await line.hang()


def drip(provider: HostileProvider) -> Behaviour:
    """Send a byte of a body whenever the reader has had one, for ever."""

    async def behave(line: Line) -> None:
        await line.send(head(Content_Type="application/json", Content_Length="1000000"))
        while not provider.stopped.is_set():
            await line.send(b" ")
            await asyncio.sleep(0.005)

    return behave


async def reset_at_once(line: Line) -> None:
    line.reset()


async def close_at_once(line: Line) -> None:
    line.writer.close()


async def reset_in_body(line: Line) -> None:
    await line.send(head(Content_Type="application/json", Content_Length="100") + b'{"data": [{"id": 1}')
    line.reset()


def promised(body: bytes, length: int) -> Behaviour:
    """Send a body under a Content-Length that lies."""
    return raw(head(Content_Type="application/json", Content_Length=str(length)) + body)


def bad_chunk(pause: float = 0.0) -> Behaviour:
    """Send a chunk that is one and, after so many seconds, one that is none."""

    async def behave(line: Line) -> None:
        await line.send(head(Content_Type="application/json", Transfer_Encoding="chunked"))
        await asyncio.sleep(pause)
        await line.send(b'b\r\n{"data": []\r\n')
        await asyncio.sleep(pause)
        await line.send(b"zz\r\n}\r\n0\r\n\r\n")
        line.writer.close()

    return behave


async def endless_1xx(line: Line) -> None:
    while True:
        await line.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)
        await asyncio.sleep(0)


@define
class HostileProvider:
    """Start it by `async with`; `script` says how a path behaves, `heard` is what came in, in order."""

    tls: ssl.SSLContext | None = None
    heard: list[Heard] = field(factory=list)
    stopped: asyncio.Event = field(factory=asyncio.Event)
    _scripts: dict[str, list[Behaviour]] = field(factory=lambda: defaultdict(list))
    _server: asyncio.Server | None = None
    _lines: set[asyncio.Task[None]] = field(factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopped.set()
        if self._server is not None:
            self._server.close()
        for task in self._lines:
            task.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    async def idle(self) -> None:
        """Wait until every connection is closed by its other side."""
        await asyncio.gather(*self._lines)

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def script(self, path: str, *behaviours: Behaviour) -> None:
        self._scripts[path] = list(behaviours)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._lines.add(task)
        try:
            while not writer.is_closing() and (heard := await _listen(reader)):
                self.heard.append(heard)
                await self._next(heard.path)(Line(writer, heard))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the peer left, or the server stops
        finally:
            writer.close()
            self._lines.discard(task)

    def _next(self, path: str) -> Behaviour:
        script = self._scripts[path]
        if not script:
            return answer(b"{}", "404 Not Found")
        return script.pop(0) if len(script) > 1 else script[0]


async def _listen(reader: asyncio.StreamReader) -> Heard | None:
    try:
        text_head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = text_head.rstrip().split("\r\n")
    method, target, _version = first.split(" ")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    return Heard(method, target, headers, await reader.readexactly(int(headers.get("content-length", 0))))
