"""One attempt of one request over HTTP: what comes back is a page or the trouble it was, never an exception."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor
from contextlib import suppress
from http import HTTPStatus

from aiohttp import ClientResponse, ClientSession
from attrs import frozen
from opentelemetry import trace

from workers.model.page import Read
from workers.model.secret import Secret
from workers.model.shortage import shortage_of
from workers.rest.answers import answered, read_answer, unread
from workers.rest.bodies import BodyFile, Shelf
from workers.rest.body import BodyError, check_headers, receive, receive_into
from workers.rest.credentials import sign
from workers.rest.document import Document
from workers.rest.faults import TransportErrors, trouble_of
from workers.rest.metrics import observe
from workers.rest.paging import Answer
from workers.rest.request import Request
from workers.rest.rules import asks_for_body, ruled
from workers.rest.trouble import Trouble, bad_response
from workers.rest.verdict import judge
from workers.rest.wiring import Clock

_EXPLAINED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_ERROR_BYTES = 64 * 1024
_ERROR_SECONDS = 2.0
_PARSED_AT_ONCE = 64 * 1024
_HEADERS = {"Accept-Encoding": "gzip, deflate"}
_ACCEPT = {
    "json": "application/json",
    "ndjson": "application/x-ndjson, application/jsonl, application/json;q=0.5",
    "csv": "text/csv",
}

_tracer = trace.get_tracer(__name__)


@frozen
class _Received:
    headers: Mapping[str, str]
    link: str
    body: bytearray | BodyFile


class Sender:
    """Sends on one session; long pages are parsed in `threads`, so that the loop stays free."""

    def __init__(self, session: ClientSession, clock: Clock, threads: Executor, shelf: Shelf) -> None:
        self._session = session
        self._clock = clock
        self._threads = threads
        self._shelf = shelf

    async def send(self, read: Read, request: Request, secret: Secret | None) -> Answer | Trouble:
        """Send once. Only a cancellation, or a credential that cannot be sent, is raised."""
        provider = read.endpoint.provider
        attributes = {"provider": provider, "url": request.shown}
        # An exception may quote the URL, so none is recorded on the span.
        with _tracer.start_as_current_span(
            "provider.call", attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            began = self._clock.monotonic()
            outcome = await self._exchange(read, request, secret)
            status = outcome.status if isinstance(outcome, Trouble) else int(HTTPStatus.OK)
            observe(provider, status, self._clock.monotonic() - began)
            span.set_attribute("http.response.status_code", status)
        return await self._parsed(read, outcome) if isinstance(outcome, _Received) else outcome

    async def _exchange(self, read: Read, request: Request, secret: Secret | None) -> _Received | Answer | Trouble:
        signed = sign(request.url, read.endpoint.auth, secret)
        headers = {"Accept": _ACCEPT[read.form.kind], **_HEADERS, **read.endpoint.headers, **signed.headers}
        try:
            async with (
                asyncio.timeout(read.endpoint.limits.request_seconds),
                self._session.request(
                    request.method, signed.url, headers=headers, json=request.body, allow_redirects=False
                ) as response,
            ):
                if response.status == HTTPStatus.OK:
                    return await self._received(read, response)
                return await self._judged(read, response)
        except BodyError as error:
            return bad_response(str(error), status=int(HTTPStatus.OK))
        except TransportErrors as error:
            if shortage_of(error):
                raise  # ours, not the provider's
            return trouble_of(error)

    async def _judged(self, read: Read, response: ClientResponse) -> Answer | Trouble:
        status, now = response.status, self._clock.now()
        wanted = status in _EXPLAINED or asks_for_body(read.rules, status)
        body = await _reasons(response) if wanted else b""
        ruling = ruled(read.rules, status, response.headers, body, now)
        return answered(ruling, unread(body)) or judge(status, response.headers, body, now)

    async def _received(self, read: Read, response: ClientResponse) -> _Received:
        form, most = read.form, read.endpoint.limits.page_bytes
        check_headers(response.headers, form)
        link = ", ".join(response.headers.getall("Link", ()))
        keeping = self._shelf.keeping(read)
        try:
            await receive_into(response, most, keeping.take, gzipped=form.gzipped)
        except BaseException:
            keeping.close()
            raise
        return _Received(response.headers, link, keeping.body)

    async def _parsed(self, read: Read, received: _Received) -> Answer | Trouble:
        body = received.body
        if isinstance(body, BodyFile):
            return Answer(Document(None, (), body.sha256, body.bytes), received.link, body)
        asked = (read, received.headers, received.link, body, self._clock.now())
        if len(body) <= _PARSED_AT_ONCE:
            return read_answer(*asked)
        return await asyncio.get_running_loop().run_in_executor(self._threads, read_answer, *asked)


async def _reasons(response: ClientResponse) -> bytes:
    """Read a short error body; a body that breaks off or hangs must not make an answer out of its status."""
    with suppress(BodyError, *TransportErrors):
        async with asyncio.timeout(_ERROR_SECONDS):
            return await receive(response, _ERROR_BYTES)
    return b""
