"""One attempt of one request over HTTP: what comes back is a page or the trouble it was, never an exception."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from http import HTTPStatus

from aiohttp import ClientResponse, ClientSession
from attrs import evolve, frozen
from opentelemetry import trace

from workers.model.page import Read
from workers.model.secret import Secret
from workers.rest.body import BodyError, check_headers, receive
from workers.rest.credentials import sign
from workers.rest.document import Document, DocumentError, read_document
from workers.rest.faults import TransportErrors, trouble_of
from workers.rest.metrics import observe
from workers.rest.paging import Answer
from workers.rest.request import Request
from workers.rest.trouble import Trouble, bad_response
from workers.rest.verdict import judge
from workers.rest.wiring import Clock

_EXPLAINED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_ERROR_BYTES = 64 * 1024
_ERROR_SECONDS = 2.0
_PARSED_AT_ONCE = 64 * 1024
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate"}

_tracer = trace.get_tracer(__name__)


@frozen
class _Received:
    body: bytes
    link: str


class Sender:
    """Sends on one session; long pages are parsed in `threads`, so that the loop stays free."""

    def __init__(self, session: ClientSession, clock: Clock, threads: Executor) -> None:
        self._session = session
        self._clock = clock
        self._threads = threads

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
        return outcome if isinstance(outcome, Trouble) else await self._parsed(read, outcome)

    async def _exchange(self, read: Read, request: Request, secret: Secret | None) -> _Received | Trouble:
        signed = sign(request.url, read.endpoint.auth, secret)
        headers = {**_HEADERS, **read.endpoint.headers, **signed.headers}
        try:
            async with (
                asyncio.timeout(read.endpoint.limits.request_seconds),
                self._session.request(
                    request.method, signed.url, headers=headers, json=request.body, allow_redirects=False
                ) as response,
            ):
                status = response.status
                if status != HTTPStatus.OK:
                    body = await _reasons(response) if status in _EXPLAINED else b""
                    return judge(status, response.headers, body, self._clock.now())
                check_headers(response.headers)
                body = await receive(response, read.endpoint.limits.page_bytes)
                return _Received(body, ", ".join(response.headers.getall("Link", ())))
        except BodyError as error:
            return bad_response(str(error), status=int(HTTPStatus.OK))
        except TransportErrors as error:
            return trouble_of(error)

    async def _parsed(self, read: Read, received: _Received) -> Answer | Trouble:
        try:
            return Answer(await self._document(received.body, read), received.link)
        except DocumentError as error:
            return evolve(bad_response(f"answered with a body that {error}"), status=int(HTTPStatus.OK))

    async def _document(self, body: bytes, read: Read) -> Document:
        parsed = partial(read_document, body, read.data_path, single_object=read.single_object)
        if len(body) <= _PARSED_AT_ONCE:
            return parsed()
        return await asyncio.get_running_loop().run_in_executor(self._threads, parsed)


async def _reasons(response: ClientResponse) -> bytes:
    """Read a short error body; a body that breaks off or hangs must not make an answer out of its status."""
    with suppress(BodyError, *TransportErrors):
        async with asyncio.timeout(_ERROR_SECONDS):
            return await receive(response, _ERROR_BYTES)
    return b""
