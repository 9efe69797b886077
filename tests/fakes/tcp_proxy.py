"""A TCP proxy that can lose what passes: an answer after its question was forwarded, a question, or everything."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

_CHUNK = 65_536


class TcpProxy:
    """Forwards connections to one address. What is armed holds for the next chunk that carries the mark, once."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._lose_answer_to = b""
        self._lose_question = b""
        self._open = asyncio.Event()
        self._open.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.lost = 0
        self.port = 0

    def lose_answer_to(self, mark: bytes) -> None:
        """Forward the question that holds `mark`, then cut both ways as soon as an answer comes."""
        self._lose_answer_to = mark

    def lose_question(self, mark: bytes) -> None:
        """Cut both ways instead of forwarding what holds `mark`."""
        self._lose_question = mark

    def swallow(self) -> None:
        """Keep connections open and let nothing through, until `heal`."""
        self._open.clear()

    def heal(self) -> None:
        """Let everything through again."""
        self._open.set()

    def cut(self) -> None:
        """Break every connection."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[TcpProxy]:
        """Listen on a free port of loopback."""
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self.heal()
            server.close()
            self.cut()
            await server.wait_closed()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        link = _Link(self, writer, far_writer)
        self._writers |= {writer, far_writer}
        try:
            await asyncio.gather(self._pump(reader, link.ask, far_writer), self._pump(far_reader, link.answer, writer))
        finally:
            link.break_()
            self._writers -= {writer, far_writer}

    async def _pump(
        self, source: asyncio.StreamReader, forward: Callable[[bytes], Awaitable[bool]], target: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await source.read(_CHUNK):
                await self._open.wait()
                if not await forward(chunk):
                    return
            target.close()  # neither end keeps half a connection here

    def take_question(self, chunk: bytes) -> bool:
        """Whether this question is the one to lose."""
        hit = bool(self._lose_question) and self._lose_question in chunk
        if hit:
            self._lose_question = b""
            self.lost += 1
        return hit

    def take_answer(self, chunk: bytes) -> bool:
        """Whether the answer to this question is the one to lose."""
        hit = bool(self._lose_answer_to) and self._lose_answer_to in chunk
        if hit:
            self._lose_answer_to = b""
            self.lost += 1
        return hit


class _Link:
    """One connection through the proxy."""

    def __init__(self, proxy: TcpProxy, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._near = near
        self._far = far
        self._losing = False

    async def ask(self, chunk: bytes) -> bool:
        if self._proxy.take_question(chunk):
            self.break_()
            return False
        self._losing = self._losing or self._proxy.take_answer(chunk)
        self._far.write(chunk)
        await self._far.drain()
        return True

    async def answer(self, chunk: bytes) -> bool:
        if self._losing:
            self.break_()
            return False
        self._near.write(chunk)
        await self._near.drain()
        return True

    def break_(self) -> None:
        self._near.transport.abort()
        self._far.transport.abort()
