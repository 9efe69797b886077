"""What the chain reads from and writes to gRPC's context: one request, one refusal, messages of a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc.aio import EOF, AbortError  # type: ignore[attr-defined]

from server.call import Call, Malformed, Policy
from server.interceptors.answers import answer
from workers.model.failure import Code, FailedError, Failure, Reason

READ_SECONDS = 10.0
WORTH_COMPRESSING = 16 * 1024

Context = grpc.aio.ServicerContext[Any, Any]
Decode = Callable[[bytes], Any]

_NAMES = {code.value[0]: code.name for code in grpc.StatusCode}


def call_of(method: str, policy: Policy, context: Context, request: Any, *, streams: bool = False) -> Call:
    """Return the call that a context stands for; binary headers are left out, since nothing here reads them."""
    metadata: dict[str, tuple[str, ...]] = {}
    for name, value in context.invocation_metadata() or ():
        if isinstance(value, str):
            metadata[name] = (*metadata.get(name, ()), value)
    return Call(method, policy, metadata, request, context.peer(), context.time_remaining(), streams)


async def receive(context: Context, decode: Decode) -> Any:
    """Return the decoded request, or Malformed: what is not exactly one, whole and in time, is refused by validation.

    The caller must have ended its part: gRPC itself would serve the first of two messages and drop the other.
    """
    try:
        async with asyncio.timeout(READ_SECONDS):
            data: Any = await context.read()
            more = data is not EOF and await context.read() is not EOF
    except TimeoutError:
        return Malformed(Failure(Code.DEADLINE_EXCEEDED, Reason.DEADLINE_EXCEEDED, "the request did not come in time"))
    if data is EOF:
        return _unreadable("the call carries no request")
    if more:
        return _unreadable("the call carries more than one request")
    return decoded(data, decode)


def decoded(data: bytes, decode: Decode) -> Any:
    """Decode; bytes that are no message, nested too deep or not UTF-8 where text is due give Malformed."""
    try:
        return decode(data)
    except (DecodeError, ValueError, RecursionError):
        return _unreadable("the request cannot be decoded: malformed, nested too deep, or text that is not UTF-8")


async def conversation(requests: AsyncIterator[bytes], decode: Decode) -> AsyncIterator[Any]:
    """Yield the decoded requests of a stream; raises FailedError at the first that cannot be read."""
    async for data in requests:
        request = decoded(data, decode)
        if isinstance(request, Malformed):
            raise FailedError(request.failure)
        yield request


async def refuse(call: Call, context: Context) -> None:
    """End the call with its failure, if it has one."""
    if call.failure is not None:
        code, text, trailing = answer(call.failure, call.request_id)
        await context.abort(code, text, trailing)


def sign(call: Call, context: Context) -> None:
    """Name the call beside its one answer, where a refusal names it, too; headers would be one more write of each."""
    context.set_trailing_metadata((("x-request-id", call.request_id),))


async def say_hello(call: Call, context: Context) -> None:
    """Send the headers of a stream that is not refused."""
    await context.send_initial_metadata((("x-request-id", call.request_id),))


async def compress(context: Context, encoded: bytes) -> None:
    """Compress a large answer, if its reader accepts that; small ones cost more than they save."""
    if len(encoded) >= WORTH_COMPRESSING:
        context.set_compression(grpc.Compression.Gzip)
        # gRPC heeds it only with headers that are sent by themselves.
        await context.send_initial_metadata(())


async def write_all(messages: AsyncGenerator[Any, None], call: Call, context: Context) -> None:
    """Send a stream, each message as it comes; a key that was revoked meanwhile ends it.

    Headers go out with the first message, so that a refusal before it is still a refusal to a REST caller. After it
    such a caller sees no status any more: the service may put a last word in the place of the message.
    """
    greeted = False
    async with aclosing(messages):
        async for message in messages:
            refusal = await _refusal(call)
            if refusal is not None and not greeted:
                raise refusal
            if not greeted:
                greeted = True
                await say_hello(call, context)
            await context.write(message if refusal is None else await messages.athrow(refusal))


async def _refusal(call: Call) -> FailedError | None:
    """Return why the caller may hear no more; None while it may."""
    try:
        if call.recheck is not None:
            await call.recheck()
    except FailedError as error:
        return error
    return None


async def foreign(work: Awaitable[Any], call: Call, context: Context) -> Any:
    """Await a service that answers refusals by itself, keeping what it answered."""
    try:
        return await work
    except AbortError:
        code: Any = context.code()
        call.code = _NAMES.get(code, getattr(code, "name", str(code)))
        raise


async def relay(messages: AsyncIterator[Any], context: Context) -> None:
    """Send what a foreign service yields."""
    async for message in messages:
        await context.write(message)


def _unreadable(message: str) -> Malformed:
    return Malformed(Failure(Code.INVALID_ARGUMENT, Reason.REQUEST_INVALID, message))
