"""The ways to send: REST by a client or byte by byte, native gRPC by a client or frame by frame.

A text may hold <names> of what only the running stack knows: <key>, <other_key>, <root>, <ended>, <foreign> …
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import grpc
import grpc.aio
from attrs import field, frozen
from datapipeline.v1 import pipelines_pb2, procedures_pb2, scheduler_pb2
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import MethodDescriptor

from tests.e2e.stack.wrong_input.decoding import answer_of
from tests.e2e.stack.wrong_input.said import CLOSED, Said, by_grpc, by_rest
from tests.e2e.stack.wrong_input.scene import Door, Scene
from tests.fakes.http2_frames import END_STREAM, Frame, Type, call, connected
from tests.fakes.rest_client import parsed

METHODS: Mapping[str, MethodDescriptor] = {
    method.name: method
    for module in (pipelines_pb2, scheduler_pb2, procedures_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
KEY = {"X-API-Key": "<key>"}
Body = str | bytes | Callable[[], bytes] | None


@frozen
class Rest:
    """A call by REST; `call` is METHOD PATH, sent as written."""

    call: str
    body: Body = None
    headers: Mapping[str, str] = field(factory=dict)
    key: Mapping[str, str] = field(factory=lambda: KEY)

    async def send(self, scene: Scene) -> Said:
        """Send it and read the whole answer."""
        method, _, path = scene.fill(self.call).partition(" ")
        named = {name: scene.fill(value) for name, value in {**self.key, **self.headers}.items()}
        body = self.body() if callable(self.body) else self.body
        filled = scene.fill(body) if isinstance(body, str) else body
        return by_rest(await scene.rest.ask(method, path, named, filled))


@frozen
class Raw:
    """A call by HTTP/1.1 as bytes: `head` is its first line and `lines` follow Host and Connection."""

    head: str
    lines: bytes
    door: Door = Door.HASTY

    async def send(self, scene: Scene) -> Said:
        """Send it and read until the edge closes; a second answer would be a smuggled one."""
        lines = scene.fill(self.lines.decode("latin-1")).encode("latin-1")
        head = f"{scene.fill(self.head)} HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n".encode()
        answer = await scene.client(self.door).raw(head + lines)
        answer = answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert answer.count(b"HTTP/1.1 ") == min(1, len(answer)), answer
        return by_rest(parsed(answer)) if answer else CLOSED


@frozen
class Native:
    """A call by a gRPC client; `fields` are the request as JSON, or its bytes on the wire."""

    method: str
    fields: Mapping[str, Any] | bytes | Callable[[], bytes] = field(factory=dict)
    metadata: Sequence[tuple[str, str | bytes]] = (("x-api-key", "<key>"),)
    timeout: float | None = 10
    door: Door = Door.EDGE

    async def send(self, scene: Scene) -> Said:
        """Send it; a stream is read to its end and answers with its last message."""
        path, method = self._path(), METHODS.get(self.method)
        filled = [(name, scene.fill(value) if isinstance(value, str) else value) for name, value in self.metadata]
        channel: Any = scene.channel(self.door)
        sent, kept = self._message(scene), b""
        try:
            if method is not None and method.server_streaming:
                answers: Any = channel.unary_stream(path)(sent, metadata=filled, timeout=self.timeout)
                kept = [message async for message in answers][-1]
            else:
                kept = await channel.unary_unary(path)(sent, metadata=filled, timeout=self.timeout)
        except grpc.aio.AioRpcError as error:
            return _refusal(error)
        return Said("OK", value=self._value(kept), whole=str(kept))

    def _path(self) -> str:
        method = METHODS.get(self.method)
        return f"/{method.containing_service.full_name}/{method.name}" if method else self.method

    def _message(self, scene: Scene) -> bytes:
        if callable(self.fields):
            return self.fields()
        if isinstance(self.fields, bytes):
            return self.fields
        made = message_factory.GetMessageClass(METHODS[self.method].input_type)()
        return json_format.ParseDict(dict(scene.fill(self.fields)), made).SerializeToString()

    def _value(self, kept: bytes) -> dict[str, Any]:
        answer = message_factory.GetMessageClass(METHODS[self.method].output_type).FromString(kept)
        value: dict[str, Any] = json_format.MessageToDict(
            answer, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
        return value


@frozen
class Frames:
    """One call of native gRPC as frames: `data` are the bytes of its DATA, `fields` stand behind the usual headers."""

    method: str
    data: bytes | None = b"\x00\x00\x00\x00\x00"
    fields: Iterable[tuple[str, str]] = (("x-api-key", "<key>"),)
    ends: bool = True
    after: Sequence[Frame] = ()
    door: Door = Door.EDGE

    async def send(self, scene: Scene) -> Said:
        """Send it and read what comes back on its stream."""
        named = tuple((name, scene.fill(value)) for name, value in self.fields)
        path = Native(self.method)._path()
        sent = [call(1, path, named)]
        if self.data is not None:
            sent.append(Frame(Type.DATA, END_STREAM if self.ends else 0, 1, self.data))
        async with connected(scene.address(self.door)) as connection:
            connection.send(*sent, *self.after)
            frames = await connection.end_of(1)
            trailers = answer_of(frames)
        scene.running.answers.keep(b"".join(frame.payload for frame in frames) + repr(trailers).encode())
        return by_grpc(trailers) if trailers else CLOSED


@frozen
class AtOnce:
    """Many of one call at the same time; the answer is that of all, which must be the same but for `existing`."""

    sent: Rest | Native
    times: int

    async def send(self, scene: Scene) -> Said:
        """Send them."""
        answers = await asyncio.gather(*(self.sent.send(scene) for _ in range(self.times)))
        assert len({(said.code, said.value.get("run_id")) for said in answers}) == 1
        assert sum(not said.value.get("existing") for said in answers) == 1
        return next(said for said in answers if not said.value.get("existing"))


Sent = Rest | Raw | Native | Frames | AtOnce


def _refusal(error: grpc.aio.AioRpcError) -> Said:
    first: Any = error.initial_metadata()
    last: Any = error.trailing_metadata()
    status: Any = error.code().value
    return by_grpc({**dict(first), **dict(last), "grpc-status": status[0], "grpc-message": error.details() or ""})
