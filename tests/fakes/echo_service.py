"""An honest gRPC server behind the edge and the CLI: it records every call and answers what the test laid down.

Without an answer laid down, an answer repeats the fields of the request that it has too.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import grpc
from attrs import define, field, frozen
from datapipeline.v1 import health_pb2, pipelines_pb2, procedures_pb2, run_pb2, scheduler_pb2
from google.protobuf import json_format, message_factory
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_health.v1.health_pb2 import HealthCheckResponse
from grpc_reflection.v1alpha import reflection
from grpc_status import rpc_status

_SERVICES = [
    service
    for module in (health_pb2, pipelines_pb2, procedures_pb2, scheduler_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
]
_OPTIONS = [("grpc.max_metadata_size", 32 * 1024), ("grpc.absolute_max_metadata_size", 64 * 1024)]
_RESOURCE = 4 * 1024 * 1024


@frozen
class Call:
    """One call as it arrived; metadata keeps repeated keys."""

    method: str
    request: dict[str, Any]
    metadata: tuple[tuple[str, str | bytes], ...]

    def values(self, key: str) -> list[str | bytes]:
        """Every value of one metadata key."""
        return [value for name, value in self.metadata if name == key]


@frozen
class Refusal:
    """An answer that is a google.rpc.Status with an ErrorInfo; `retry_after` also goes into the trailers."""

    code: grpc.StatusCode
    reason: str
    message: str = "refused"
    metadata: Mapping[str, str] = field(factory=dict)
    fields: Mapping[str, str] = field(factory=dict)
    retry_after: int | None = None


@frozen(eq=False)
class Drop:
    """In a scripted stream: the connection is lost here, or ends quietly as behind a proxy."""

    quietly: bool = False


class Hold:
    """In a scripted stream: nothing comes until the gate opens; `waiting` says that it was reached."""


One = Message | Refusal | Drop | Hold
Answer = One | Sequence[One]


@define(eq=False)
class EchoService:
    """The server; `answers` holds what each method answers, or a list of what a stream or repeated calls answer."""

    calls: list[Call] = field(factory=list)
    answers: dict[str, Answer] = field(factory=dict)
    gate: asyncio.Event = field(factory=asyncio.Event)
    waiting: asyncio.Event = field(factory=asyncio.Event)
    cancelled: asyncio.Event = field(factory=asyncio.Event)
    health: HealthServicer = field(factory=HealthServicer)
    target: str = "127.0.0.1:0"
    _server: grpc.aio.Server | None = None
    _flaky: Counter[str] = field(factory=Counter)

    async def start(self) -> None:
        """Listen; the port is kept over a later start."""
        server = grpc.aio.server(options=_OPTIONS)
        handlers = tuple(_handlers(service, self) for service in _SERVICES)
        server.add_generic_rpc_handlers(handlers)
        health_pb2_grpc.add_HealthServicer_to_server(self.health, server)
        names = [service.full_name for service in _SERVICES]
        reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
        port = server.add_insecure_port(self.target)
        self.target = f"127.0.0.1:{port}"
        await server.start()
        self._server = server

    async def stop(self) -> None:
        """Close at once."""
        if self._server:
            await self._server.stop(None)
            self._server = None

    def reset(self) -> None:
        """Forget calls and answers between tests."""
        self.calls.clear()
        self.answers.clear()
        self._flaky.clear()
        for event in (self.gate, self.waiting, self.cancelled):
            event.clear()

    @property
    def last(self) -> Call:
        """The latest call."""
        return self.calls[-1]

    async def set_serving(self, *, serving: bool) -> None:
        """Say to health checks whether calls are welcome."""
        state = HealthCheckResponse.SERVING if serving else HealthCheckResponse.NOT_SERVING
        await self.health.set("", state)

    def received(self, method: MethodDescriptor, request: bytes, context: Any) -> Message:
        """Record the call; DecodeError when the bytes are no message of the method."""
        message = message_factory.GetMessageClass(method.input_type).FromString(request)
        fields = json_format.MessageToDict(message, preserving_proto_field_name=True)
        self.calls.append(Call(method.name, fields, tuple(context.invocation_metadata())))
        return message

    async def answer(self, method: MethodDescriptor, request: Message, context: Any) -> Any:
        """Return the next answer of a unary method, after hanging or failing as the caller's metadata asks."""
        await self._obey(context)
        answer = self.answers.get(method.name)
        if isinstance(answer, Sequence):
            number = sum(call.method == method.name for call in self.calls)
            answer = answer[min(number, len(answer)) - 1]
        if isinstance(answer, Refusal):
            await refuse(context, answer)
        return answer or _repeated(request, method.output_type)

    async def events(self, request: Any, context: Any) -> AsyncIterator[Message]:
        """Stream the laid down answers past `after`; a Drop breaks the stream once, then it goes on behind it."""
        script = self.answers.get("WatchRun", [run_pb2.RunEvent(sequence=1, type="TERMINAL", status="COMPLETED")])
        assert isinstance(script, Sequence)
        for answer in list(script):
            if isinstance(answer, Drop):
                self.answers["WatchRun"] = [other for other in script if other is not answer]
                if answer.quietly:
                    return
                await refuse(context, Refusal(grpc.StatusCode.UNAVAILABLE, "SERVICE_UNAVAILABLE", "lost"))
            elif isinstance(answer, Refusal):
                await refuse(context, answer)
            elif isinstance(answer, Hold):
                await self._hang()
            elif isinstance(answer, run_pb2.RunEvent) and answer.sequence > request.after:
                yield answer

    async def _obey(self, context: Any) -> None:
        asked = dict(context.invocation_metadata())
        if code := asked.get("x-echo-code"):
            await refuse(context, Refusal(grpc.StatusCode[code], "ECHOED", retry_after=7))
        if times := asked.get("x-echo-unavailable-times"):
            self._flaky[str(asked["x-request-id"])] += 1
            if self._flaky[str(asked["x-request-id"])] <= int(times):
                await refuse(context, Refusal(grpc.StatusCode.UNAVAILABLE, "SERVICE_UNAVAILABLE"))
        if initial := asked.get("x-echo-initial"):
            await context.send_initial_metadata((("x-echoed", initial),))
        if "x-echo-hang" in asked:
            await self._hang()

    async def _hang(self) -> None:
        self.waiting.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


async def refuse(context: Any, refusal: Refusal) -> None:
    """End the call with the typed error and its trailing metadata."""
    info = error_details_pb2.ErrorInfo(reason=refusal.reason, domain="datapipeline", metadata=dict(refusal.metadata))
    details: list[Any] = [info]
    if refusal.fields:
        violation = error_details_pb2.BadRequest.FieldViolation
        wrong = [violation(field=name, description=why) for name, why in refusal.fields.items()]
        details.append(error_details_pb2.BadRequest(field_violations=wrong))
    status = status_pb2.Status(code=refusal.code.value[0], message=refusal.message, details=[_any(d) for d in details])
    trailing = list(rpc_status.to_status(status).trailing_metadata)
    if refusal.retry_after is not None:
        trailing.append(("retry-after", str(refusal.retry_after)))
    await context.abort(refusal.code, refusal.message, tuple(trailing))


def _any(message: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed


def _handlers(service: Any, echo: EchoService) -> Any:
    methods = {name: _handler(method, echo) for name, method in service.methods_by_name.items()}
    return grpc.method_handlers_generic_handler(service.full_name, methods)


def _handler(method: MethodDescriptor, echo: EchoService) -> Any:
    async def parsed(request: bytes, context: Any) -> Message:
        try:
            return echo.received(method, request, context)
        except DecodeError:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the message is malformed")
            raise

    async def unary(request: bytes, context: Any) -> Any:
        return await echo.answer(method, await parsed(request, context), context)

    async def stream(request: bytes, context: Any) -> AsyncIterator[Message]:
        message = await parsed(request, context)
        async for event in echo.events(message, context):
            yield event
            if "x-echo-gate" in dict(context.invocation_metadata()):
                await echo._hang()
                echo.gate.clear()

    output = message_factory.GetMessageClass(method.output_type).SerializeToString
    if method.server_streaming:
        return grpc.unary_stream_rpc_method_handler(stream, response_serializer=output)
    return grpc.unary_unary_rpc_method_handler(unary, response_serializer=output)


def _repeated(request: Message, output: Descriptor) -> Message:
    answer = message_factory.GetMessageClass(output)()
    for descriptor, value in request.ListFields():
        twin = output.fields_by_name.get(descriptor.name)
        if twin and twin.type == descriptor.type == descriptor.TYPE_STRING:
            setattr(answer, descriptor.name, value)
    return answer
