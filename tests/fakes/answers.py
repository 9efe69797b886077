"""All that answers the calls of a stack's callers, by whatever way they ask: REST, its streams, native gRPC."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import grpc.aio
from attrs import define, field
from google.protobuf.message import Message


@define(eq=False)
class Answers:
    """Keeps headers, bodies, lines of streams, messages and statuses, in the order in which they came."""

    text: bytearray = field(factory=bytearray)

    def keep(self, part: bytes) -> None:
        """Keep a part of an answer."""
        self.text += part + b"\n"

    def tracing(self) -> aiohttp.TraceConfig:
        """Return what a session has to be given whose answers are kept; bodies of streams are read by `lines`."""
        config = aiohttp.TraceConfig()
        config.on_request_end.append(self._headers)
        config.on_response_chunk_received.append(self._chunk)
        return config

    async def lines(self, answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        """Yield the lines of a body while they come."""
        async for line in answer.content:
            self.keep(line)
            yield line

    def channel(self, address: str) -> grpc.aio.Channel:
        """Return a channel whose answers are kept."""
        both: Any = (_Unary(self), _Stream(self))
        return grpc.aio.insecure_channel(address, interceptors=both)

    async def _headers(self, _session: Any, _context: Any, told: aiohttp.TraceRequestEndParams) -> None:
        self.keep(repr(told.response.headers).encode())

    async def _chunk(self, _session: Any, _context: Any, told: aiohttp.TraceResponseChunkReceivedParams) -> None:
        self.keep(told.chunk)

    def keep_message(self, message: Message | bytes) -> None:
        """Keep a message, or the bytes of one."""
        self.keep(message if isinstance(message, bytes) else message.SerializeToString())

    def keep_status(self, error: grpc.aio.AioRpcError) -> None:
        """Keep how a call failed."""
        self.keep((error.details() or "").encode())
        self.keep_metadata(error.initial_metadata())
        self.keep_metadata(error.trailing_metadata())

    def keep_metadata(self, metadata: Any) -> None:
        """Keep names and values."""
        for name, value in metadata or ():
            self.keep(name.encode() + b": " + (value if isinstance(value, bytes) else value.encode()))


@define(eq=False)
class _Unary(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[type-arg]
    _answers: Answers

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        call = await continuation(client_call_details, request)
        try:
            message = await call
        except grpc.aio.AioRpcError as error:
            self._answers.keep_status(error)
        else:
            self._answers.keep_metadata(await call.initial_metadata())
            self._answers.keep_message(message)
            self._answers.keep_metadata(await call.trailing_metadata())
        return call


@define(eq=False)
class _Stream(grpc.aio.UnaryStreamClientInterceptor):  # type: ignore[type-arg]
    _answers: Answers

    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return self._kept(await continuation(client_call_details, request))

    async def _kept(self, call: Any) -> AsyncIterator[Any]:
        try:
            async for message in call:
                self._answers.keep_message(message)
                yield message
            self._answers.keep_metadata(await call.initial_metadata())
            self._answers.keep_metadata(await call.trailing_metadata())
        except grpc.aio.AioRpcError as error:
            self._answers.keep_status(error)
            raise
