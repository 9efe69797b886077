"""HTTP/2 by hand: frames that no client library would send, and the frames that come back."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from enum import IntEnum

from attrs import define, frozen

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
END_STREAM, END_HEADERS, ACK = 0x1, 0x4, 0x1
MAX_CONCURRENT_STREAMS = 0x3


class Type(IntEnum):
    """Frame types of RFC 9113 that are used here."""

    DATA = 0
    HEADERS = 1
    RST_STREAM = 3
    SETTINGS = 4
    PING = 6
    GOAWAY = 7
    CONTINUATION = 9


@frozen
class Frame:
    """One frame."""

    type: int
    flags: int
    stream: int
    payload: bytes = b""

    @property
    def ends(self) -> bool:
        """Whether it ends its stream, by reset or in order."""
        return self.type == Type.RST_STREAM or (
            self.type in (Type.DATA, Type.HEADERS) and bool(self.flags & END_STREAM)
        )


@define
class Connection:
    """One connection after the exchange of settings."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, *frames: Frame) -> None:
        """Write frames without waiting."""
        for frame in frames:
            head = struct.pack(">I", len(frame.payload))[1:] + struct.pack(
                ">BBI", frame.type, frame.flags, frame.stream
            )
            self.writer.write(head + frame.payload)

    async def frames(self) -> AsyncIterator[Frame]:
        """Yield what arrives until the peer closes."""
        try:
            while True:
                head = await self.reader.readexactly(9)
                type_, flags, stream = struct.unpack(">BBI", head[3:])
                yield Frame(type_, flags, stream, await self.reader.readexactly(int.from_bytes(head[:3])))
        except (asyncio.IncompleteReadError, ConnectionError):
            return

    async def until(self, type_: Type, stream: int | None = None) -> Frame | None:
        """Return the first frame of a type (and stream); None when the peer closes before."""
        async for frame in self.frames():
            if frame.type == type_ and stream in (None, frame.stream):
                return frame
        return None

    async def end_of(self, stream: int) -> list[Frame]:
        """Return the frames of one stream up to the one that ends it, or all when the peer closes before."""
        seen = []
        async for frame in self.frames():
            if frame.stream == stream:
                seen.append(frame)
                if frame.ends:
                    break
        return seen


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[Connection]:
    """Connect to HOST:PORT and send the preface with empty settings."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(PREFACE)
    connection = Connection(reader, writer)
    connection.send(Frame(Type.SETTINGS, 0, 0), Frame(Type.SETTINGS, ACK, 0))
    try:
        async with asyncio.timeout(10):
            yield connection
    finally:
        writer.close()


def call(stream: int, path: str, extra: Iterable[tuple[str, str]] = (), *, end: bool = False) -> Frame:
    """Return the HEADERS of a native gRPC call, as literals without indexing."""
    fields = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "edge")]
    fields += [("content-type", "application/grpc"), ("te", "trailers"), *extra]
    return headers(stream, fields, end=end)


def headers(stream: int, fields: Iterable[tuple[str, str]], *, end: bool = False) -> Frame:
    """Return HEADERS, as literals without indexing."""
    block = b"".join(b"\x00" + _text(name) + _text(value) for name, value in fields)
    return Frame(Type.HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, block)


def _text(text: str) -> bytes:
    encoded = text.encode()
    length = len(encoded)
    if length < 127:
        return bytes([length]) + encoded
    size, rest = b"\x7f", length - 127
    while rest > 127:
        size, rest = size + bytes([rest & 127 | 128]), rest >> 7
    return size + bytes([rest]) + encoded
