"""How an answer is sent: as it should be, or as a fault rule wants it."""

from __future__ import annotations

import asyncio
import email.utils
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable, Mapping

import attrs
from aiohttp import web

from sandbox.openai.answers import error_body
from sandbox.openai.faults import FaultRule
from sandbox.openai.pages import Ending

_PIECES = 64
_AT_ONCE = struct.pack("ii", 1, 0)  # closing sends a reset instead of waiting
_WHOLE = 1 << 20  # a page up to this size is sent at once
_MESSAGES = {
    429: ("Rate limit reached", "rate_limit_exceeded"),
    500: ("The server had an error while processing your request. Sorry about that!", None),
    503: ("The engine is currently overloaded, please try again later.", None),
}


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


async def answer(request: web.Request, rule: FaultRule, body_of: Callable[[Ending], bytes]) -> web.StreamResponse:
    """Answer as the rule says; `body_of` gives the body for a way of ending a page."""
    if rule.kind == "status":
        return _status(rule)
    if rule.kind == "redirect":
        return web.Response(status=302, headers={"Location": rule.location})
    if rule.kind == "html":
        return web.Response(text="<!doctype html><title>Just a moment...</title>", content_type="text/html")
    ending = Ending(rule.kind) if rule.kind in {"repeated_cursor", "lost_cursor"} else Ending.TRUE
    body = body_of(ending)
    if rule.kind in _SLOW_OR_CUT:
        return await _SLOW_OR_CUT[rule.kind](request, rule, body)
    return document(body)


def _status(rule: FaultRule) -> web.Response:
    message, code = _MESSAGES.get(rule.status, (f"Something went wrong ({rule.status}).", None))
    headers = {}
    if rule.retry_after is not None:
        headers["Retry-After"] = str(rule.retry_after)
    if rule.retry_at is not None:
        headers["Retry-After"] = email.utils.formatdate(rule.retry_at, usegmt=True)
    return document(error_body(rule.status, message, code=code), rule.status, headers)


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
