"""A gRPC server by hand behind the edge: call by call it answers, refuses or fails at the moment its script names."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum

from attrs import define, field

from tests.fakes.http2_frames import ACK, END_STREAM, PREFACE, Connection, Frame, Type, headers

_EMPTY = b"\x00" * 5
_SERVING = b"\x00\x00\x00\x00\x02\x08\x01"
_REFUSED_STREAM, _INTERNAL_ERROR = 7, 2


class Act(Enum):
    """What becomes of a call."""

    ANSWER = "taken, and answered with an empty message"
    UNAVAILABLE = "taken, and answered with UNAVAILABLE"
    RESET = "taken, then its stream is reset"
    DIE = "taken, then its connection is gone"
    REFUSE = "not taken: its stream is refused"
    GO_AWAY = "not taken: its connection takes no more"


@define(eq=False)
class Http2Upstream:
    """`script` holds what becomes of the next calls, ANSWER behind it; `taken` counts those a service would have had.

    A call with an empty message is a health check, which it passes.
    """

    script: list[Act] = field(factory=list)
    taken: int = 0
    address: str = "127.0.0.1:0"
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(factory=set)

    async def start(self) -> None:
        """Listen; the port is kept over a later start."""
        host, _, port = self.address.rpartition(":")
        self._server = await asyncio.start_server(self._serve, host, int(port))
        self.address = f"{host}:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Refuse connections and break those there are."""
        if self._server is not None:
            self._server.close()
            for writer in tuple(self._writers):
                writer.transport.abort()
            await self._server.wait_closed()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Http2Upstream]:
        """Start, and stop in the end."""
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        connection, bodies = Connection(reader, writer), defaultdict[int, bytes](bytes)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readexactly(len(PREFACE))
            connection.send(Frame(Type.SETTINGS, 0, 0), Frame(Type.SETTINGS, ACK, 0))
            async for frame in connection.frames():
                if frame.type == Type.DATA:
                    bodies[frame.stream] += frame.payload
                if frame.type in (Type.DATA, Type.HEADERS) and frame.flags & END_STREAM:
                    self._decide(connection, frame.stream, bodies.pop(frame.stream, b""))
        self._writers.discard(writer)
        writer.close()

    def _decide(self, connection: Connection, stream: int, body: bytes) -> None:
        if body == _EMPTY:
            connection.send(*_answer(stream, _SERVING))
            return
        act = self.script.pop(0) if self.script else Act.ANSWER
        self.taken += act not in (Act.REFUSE, Act.GO_AWAY)
        if act is Act.DIE:
            connection.writer.transport.abort()
        else:
            connection.send(*_frames(act, stream))


def _frames(act: Act, stream: int) -> tuple[Frame, ...]:
    match act:
        case Act.UNAVAILABLE:
            return (headers(stream, [*_OK, ("grpc-status", "14")], end=True),)
        case Act.RESET:
            return (Frame(Type.RST_STREAM, 0, stream, struct.pack(">I", _INTERNAL_ERROR)),)
        case Act.REFUSE:
            return (Frame(Type.RST_STREAM, 0, stream, struct.pack(">I", _REFUSED_STREAM)),)
        case Act.GO_AWAY:
            return (Frame(Type.GOAWAY, 0, 0, struct.pack(">II", max(0, stream - 2), 0)),)
        case _:
            return _answer(stream, _EMPTY)


_OK = ((":status", "200"), ("content-type", "application/grpc"))


def _answer(stream: int, message: bytes) -> tuple[Frame, ...]:
    ended = headers(stream, [("grpc-status", "0")], end=True)
    return headers(stream, _OK), Frame(Type.DATA, 0, stream, message), ended
