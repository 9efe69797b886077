"""The order of the guards, and the only file that knows gRPC's handler kinds.

trace → errors → deadline → auth → limits → validation → audit. Trace is outermost, to time and log whatever happens;
errors next, so that all below may raise; who calls is settled before how often, and how often before what, as the
contract orders its refusals; audit is innermost and records only what reached its service.

Every handler is registered as one that reads for itself, so that a caller that never sends its request meets a
deadline, and bytes that are no request are refused as any bad request is. Our own services are called with the Call,
foreign ones (health, reflection) with gRPC's context.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

import grpc

from server.call import Call, Policy
from server.interceptors import wire
from server.interceptors.policies import OPEN
from server.interceptors.wire import Context
from workers.model.failure import Code, Reason, refused

OUR_PREFIX = "/datapipeline.v1."

Guard = Callable[[Call], AbstractAsyncContextManager[None]]
Handler = Any  # grpc's types know only handlers that do not wait


class Chain(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]
    """Puts the guards, outermost first, around every method that has a policy; any other does not exist."""

    def __init__(self, guards: Sequence[Guard], policies: Mapping[str, Policy]) -> None:
        self._guards = tuple(guards)
        self._policies = policies
        self._ready: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        """Return the guarded handler; each is made once."""
        method = handler_call_details.method
        ready = self._ready.get(method)
        if ready is not None:
            return ready
        handler = await continuation(handler_call_details)
        policy = self._policies.get(method)
        if handler is None or policy is None:
            return grpc.stream_stream_rpc_method_handler(self._absent(method))
        return self._ready.setdefault(method, self._wrap(method, policy, handler))

    def _wrap(self, method: str, policy: Policy, handler: Handler) -> Handler:
        if handler.request_streaming:
            return self._conversation(method, policy, handler)
        if handler.response_streaming:
            return self._stream(method, policy, handler)
        return self._unary(method, policy, handler)

    async def _guarded(self, call: Call, context: Context, work: Callable[[], Awaitable[None]]) -> None:
        async with AsyncExitStack() as stack:
            for guard in self._guards:
                await stack.enter_async_context(guard(call))
            await work()
        await wire.refuse(call, context)

    def _unary(self, method: str, policy: Policy, handler: Handler) -> Handler:
        ours, serve, encode = method.startswith(OUR_PREFIX), handler.unary_unary, handler.response_serializer

        async def guarded(_requests: object, context: Context) -> bytes:
            request = await wire.receive(context, handler.request_deserializer)
            call = wire.call_of(method, policy, context, request)
            encoded = b""

            async def work() -> None:
                nonlocal encoded
                call.response = await (
                    serve(request, call) if ours else wire.foreign(serve(request, context), call, context)
                )
                encoded = encode(call.response)

            await self._guarded(call, context, work)
            if ours:
                await wire.compress(context, encoded)
                wire.sign(call, context)
            return encoded

        return grpc.stream_unary_rpc_method_handler(guarded)

    def _stream(self, method: str, policy: Policy, handler: Handler) -> Handler:
        ours, serve = method.startswith(OUR_PREFIX), handler.unary_stream

        async def guarded(_requests: object, context: Context) -> None:
            request = await wire.receive(context, handler.request_deserializer)
            call = wire.call_of(method, policy, context, request, streams=True)

            async def work() -> None:
                if ours:
                    await wire.write_all(serve(request, call), call, context)
                else:
                    await wire.foreign(_talk(serve, request, context), call, context)

            await self._guarded(call, context, work)

        return grpc.stream_stream_rpc_method_handler(guarded, response_serializer=handler.response_serializer)

    def _conversation(self, method: str, policy: Policy, handler: Handler) -> Handler:
        async def guarded(requests: AsyncIterator[bytes], context: Context) -> None:
            call = wire.call_of(method, policy, context, None, streams=True)

            async def work() -> None:
                messages = wire.conversation(requests, handler.request_deserializer)
                await wire.foreign(_talk(handler.stream_stream, messages, context), call, context)

            await self._guarded(call, context, work)

        return grpc.stream_stream_rpc_method_handler(guarded, response_serializer=handler.response_serializer)

    def _absent(self, method: str) -> Callable[..., Awaitable[None]]:
        async def guarded(_requests: object, context: Context) -> None:
            async def work() -> None:
                raise refused(Code.UNIMPLEMENTED, Reason.METHOD_NOT_FOUND, "there is no such method")

            call = wire.call_of(method, OPEN, context, None)
            call.exists = False
            await self._guarded(call, context, work)

        return guarded


async def _talk(serve: Callable[..., Any], request: Any, context: Context) -> None:
    if inspect.iscoroutinefunction(serve):
        await serve(request, context)
    else:
        await wire.relay(serve(request, context), context)
