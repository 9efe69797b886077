"""A fault proxy between a BigQuery client and the emulator: what the emulator never does by itself is done here.

Given the emulator's REST endpoint and faults to arm; hands on its own `url` and every request it `seen`.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Self

import aiohttp
import attrs
from aiohttp import web

_HOP_BY_HOP = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})
_KINDS = ("load", "query", "copy", "extract")
_MAX_BODY = 256 * 1024 * 1024
_HEAD = 64 * 1024


@attrs.frozen
class Seen:
    """One request: `job` is the kind of job it submits, if it does, under `job_id`; `status` what the client got, 0 for
    nothing. `configuration` is that of the job, where it is no upload.
    """

    method: str
    path: str
    job: str | None
    status: int
    configuration: Mapping[str, Any] = {}
    job_id: str = ""


@attrs.define
class Fault:
    """What goes wrong with the requests that match, from the `nth` on, `times` times (None: for good).

    `path` and `job_id` are regular expressions, `job` the kind of job submitted (load, query, copy, extract).
    `status` with `body` replaces the answer, before the emulator hears of the request or `after` it has done the work.
    `drop` ends the connection instead of answering. `until` holds the request back until the event is set.
    """

    method: str = ""
    path: str = ""
    job: str | None = None
    job_id: str = ""
    nth: int = 1
    times: int | None = 1
    status: int = 0
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = {}
    after: bool = False
    drop: bool = False
    until: asyncio.Event | None = None
    matched: int = attrs.field(default=0, init=False)

    def strikes(self, method: str, path: str, job: str | None, job_id: str = "") -> bool:
        """Count a matching request and say whether it is one of those that fail."""
        fits = self.method in ("", method) and re.search(self.path, path) and self.job in (None, job)
        if not fits or not re.search(self.job_id, job_id):
            return False
        self.matched += 1
        return self.matched >= self.nth and (self.times is None or self.matched < self.nth + self.times)


def google_error(status: int, reason: str, message: str) -> dict[str, Any]:
    """Return an error body as BigQuery writes it (docs: error-messages)."""
    error = {"reason": reason, "message": message, "domain": "global"}
    return {"error": {"code": status, "message": message, "errors": [error]}}


class BigQueryProxy:
    """Forwards to the emulator; arm faults with `fail`, set `bytes_billed` to rewrite what jobs report.

    `edited` makes another text of the SQL that is asked for.
    """

    def __init__(self, upstream: str) -> None:
        self.url = ""
        self.seen: list[Seen] = []
        self.bytes_billed: int | None = None
        self.edited: Callable[[str], str] | None = None
        self._upstream = upstream
        self._faults: list[Fault] = []
        self._changed = asyncio.Condition()
        self._holding = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(auto_decompress=False)
        app = web.Application(client_max_size=_MAX_BODY)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        await self._session.close()

    def fail(self, fault: Fault) -> Fault:
        """Arm a fault and return it; the first armed one that strikes wins."""
        self._faults.append(fault)
        return fault

    def heal(self) -> None:
        """Disarm every fault."""
        self._faults.clear()

    async def until_seen(self, count: int, path: str = "") -> None:
        """Wait until `count` requests whose path matches were answered (or dropped)."""
        async with self._changed:
            await self._changed.wait_for(lambda: sum(bool(re.search(path, s.path)) for s in self.seen) >= count)

    async def until_held(self) -> None:
        """Wait until a request is held back."""
        await self._holding.wait()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        configuration = _configuration(request.path, body)
        job = _job_kind(request.path, configuration)
        job_id = _job_id(body) if job else ""
        strikes = [fault for fault in self._faults if fault.strikes(request.method, request.path_qs, job, job_id)]
        answer = await self._answer(request, self._as_edited(body, configuration), strikes[0] if strikes else None)
        status = answer.status if answer else 0
        async with self._changed:
            self.seen.append(Seen(request.method, request.path_qs, job, status, configuration, job_id))
            self._changed.notify_all()
        if answer is not None:
            return answer
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    async def _answer(self, request: web.Request, body: bytes, fault: Fault | None) -> web.Response | None:
        """Return what the client gets; None is a lost connection."""
        if fault is None:
            return await self._forward(request, body)
        if fault.until is not None:
            self._holding.set()
            await fault.until.wait()
        if not (fault.status or fault.drop):
            return await self._forward(request, body)
        if fault.after:
            await self._forward(request, body)
        return None if fault.drop else web.json_response(fault.body or {}, status=fault.status, headers=fault.headers)

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        url = self._upstream + request.path_qs
        async with self._session.request(
            request.method, url, data=body, headers=headers, allow_redirects=False
        ) as answer:
            content = self._rewrite(await answer.read(), answer.headers.get("Content-Type", ""))
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
            return web.Response(status=answer.status, body=content, headers=kept)

    def _as_edited(self, body: bytes, configuration: Mapping[str, Any]) -> bytes:
        if self.edited is None or "query" not in configuration:
            return body
        said = json.loads(body)
        said["configuration"]["query"]["query"] = self.edited(configuration["query"]["query"])
        return json.dumps(said).encode()

    def _rewrite(self, content: bytes, content_type: str) -> bytes:
        if self.bytes_billed is None or "json" not in content_type:
            return content
        document = json.loads(content)
        billed = {"totalBytesProcessed": str(self.bytes_billed), "totalBytesBilled": str(self.bytes_billed)}
        if "query" in document.get("statistics", {}):
            document["statistics"]["query"] |= billed
            document["statistics"]["totalBytesProcessed"] = str(self.bytes_billed)
        elif "totalBytesProcessed" in document:
            document |= billed
        return json.dumps(document).encode()


def _configuration(path: str, body: bytes) -> Mapping[str, Any]:
    if not path.endswith("/jobs") or path.startswith("/upload/") or not body:
        return {}
    found: Mapping[str, Any] = json.loads(body).get("configuration", {})
    return found


def _job_id(body: bytes) -> str:
    """Return the id a job is submitted under; of an upload it stands in the first part."""
    found = re.search(rb'"jobId":\s*"([^"]+)"', body[:_HEAD])
    return found[1].decode() if found else ""


def _job_kind(path: str, configuration: Mapping[str, Any]) -> str | None:
    """Return the kind of job a request submits; every step of an upload is part of a load."""
    if path.startswith("/upload/"):
        return "load"
    if path.endswith("/queries"):
        return "query"
    return next((kind for kind in _KINDS if kind in configuration), None)
