"""How an answer is sent: as it should be, or as a fault rule wants it."""

from __future__ import annotations

import asyncio
import email.utils
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable, Mapping

import attrs
from aiohttp import web

from sandbox.faults import FaultRule

_PIECES = 64
_AT_ONCE = struct.pack("ii", 1, 0)  # closing sends a reset instead of waiting
_WHOLE = 1 << 20  # a page up to this size is sent at once

Body = Callable[[str], bytes]
"""Gives the body of the asked page, as it should be or, for some kinds of fault, as it should not."""


def document(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a JSON answer."""
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")


def described(rule: FaultRule) -> dict[str, object]:
    """Return a rule as JSON, with what is left of it."""
    return attrs.asdict(rule)


async def stream(request: web.Request, pieces: Iterable[bytes]) -> web.StreamResponse:
    """Send a page; a large one piece by piece, so that its size costs no memory."""
    waiting = bytearray()
    response: web.StreamResponse | None = None
    for piece in pieces:
        waiting += piece
        if len(waiting) > _WHOLE:
            response = response or await _begin(request)
            await response.write(bytes(waiting))
            waiting.clear()
    if response is None:
        return document(bytes(waiting))
    await response.write(bytes(waiting))
    await response.write_eof()
    return response


async def _begin(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    return response


async def answer(request: web.Request, rule: FaultRule, body_of: Body, error: bytes) -> web.StreamResponse:
    """Answer as the rule says; `error` is the body of its status."""
    if rule.kind == "status":
        return document(error, rule.status, _headers(rule))
    if rule.kind == "redirect":
        return web.Response(status=302, headers={"Location": rule.location})
    if rule.kind == "html":
        return web.Response(text="<!doctype html><title>Just a moment...</title>", content_type="text/html")
    body = body_of(rule.kind)
    if rule.kind in _SLOW_OR_CUT:
        return await _SLOW_OR_CUT[rule.kind](request, rule, body)
    return document(body)


def _headers(rule: FaultRule) -> dict[str, str]:
    if rule.retry_at is not None:
        return {"Retry-After": email.utils.formatdate(rule.retry_at, usegmt=True)}
    return {} if rule.retry_after is None else {"Retry-After": str(rule.retry_after)}


async def _delay(_: web.Request, rule: FaultRule, body: bytes) -> web.StreamResponse:
    await asyncio.sleep(rule.lasting)
    return document(body)


async def _drip(request: web.Request, rule: FaultRule, body: bytes) -> web.StreamResponse:
    response = await _begin(request)
    size = max(1, -(-len(body) // _PIECES))
    for begin in range(0, len(body), size):
        await response.write(body[begin : begin + size])
        await asyncio.sleep(rule.lasting / _PIECES)
    await response.write_eof()
    return response


async def _reset(request: web.Request, _: FaultRule, body: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        request.transport.abort()
    return response


async def _truncated(_: web.Request, __: FaultRule, body: bytes) -> web.StreamResponse:
    return document(body[: len(body) // 2])


_SLOW_OR_CUT: dict[str, Callable[[web.Request, FaultRule, bytes], Awaitable[web.StreamResponse]]] = {
    "delay": _delay,
    "hang": _delay,
    "drip": _drip,
    "reset": _reset,
    "truncated": _truncated,
}
