"""The simulator's routes: authorization, the listings, their faults, and two doors for tests (/_faults, /_requests).

Given pages, faults, the admin key and a clock; hands on an aiohttp application.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from sandbox import sending
from sandbox.faults import FaultRuleError, Faults
from sandbox.openai.account import NAMES, account_document
from sandbox.openai.answers import RefusedError, fault_body, missing_key, missing_scope, unknown_key
from sandbox.openai.endpoints import ENDPOINTS, Endpoint
from sandbox.openai.faults import parse
from sandbox.openai.pages import Ending, Pages
from sandbox.openai.query import parse_query
from sandbox.traffic import Seen, Traffic

ROOT = "/v1/organization"
_SHOWN = ("accept", "accept-encoding", "content-type", "traceparent", "user-agent")
_SEEN = web.RequestKey("seen", Seen)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Service:
    """Answers requests; holds what a request may change: the rules left and the traffic seen."""

    def __init__(self, pages: Pages, faults: Faults, key: str, now: Callable[[], int]) -> None:
        self._pages = pages
        self._faults = faults
        self._key = key
        self._now = now
        self._traffic = Traffic()

    def application(self) -> web.Application:
        """Return the application with all its routes."""
        application = web.Application(middlewares=[self._listing])
        for endpoint in ENDPOINTS:
            application.router.add_get(f"{ROOT}/{endpoint.path}", self._answer(endpoint), allow_head=False)
        for path, name in NAMES.items():
            application.router.add_get(path, self._account(name), allow_head=False)
        application.router.add_get("/_requests", self._report)
        application.router.add_get("/_faults", self._rules)
        application.router.add_post("/_faults", self._switch)
        return application

    @web.middleware
    async def _listing(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Log the request, check its key, and give every refusal the API's error body."""
        if request.path.startswith("/_"):
            return await handler(request)
        seen = request[_SEEN] = self._traffic.see(_seen(request, self._key))
        try:
            self._authorize(request.headers.get("Authorization", ""))
            response = await handler(request)
        except RefusedError as refused:
            response = sending.document(refused.body, refused.status)
        except web.HTTPException as missing:
            message = f"Invalid URL ({request.method} {request.path})"
            response = sending.document(RefusedError(missing.status, message).body, missing.status)
        if not response.prepared:
            response.headers["x-request-id"] = "req_" + hashlib.sha256(repr(seen).encode()).hexdigest()[:32]
        seen.status = response.status
        return response

    def _authorize(self, header: str) -> None:
        scheme, _, key = header.partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise missing_key()
        if hmac.compare_digest(key.encode(), self._key.encode()):
            return
        if key.startswith(("sk-proj-", "sk-svcacct-")):
            raise missing_scope()
        raise unknown_key("sk-admin-***" if key.startswith("sk-admin-") else "***")

    def _answer(self, endpoint: Endpoint) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            query = parse_query(endpoint, list(request.query.items()), self._now())
            rule = self._faults.take(endpoint.name)
            if rule is None:
                return await sending.stream(request, self._pages.page(query))
            request[_SEEN].fault = rule.kind

            def body_of(kind: str) -> bytes:
                return b"".join(self._pages.page(query, Ending.of(kind)))

            return await sending.answer(request, rule, body_of, fault_body(rule.status))

        return answer

    def _account(self, name: str) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            body, rule = account_document(name), self._faults.take(name)
            if rule is None:
                return sending.document(body)
            request[_SEEN].fault = rule.kind
            return await sending.answer(request, rule, lambda _kind: body, fault_body(rule.status))

        return answer

    async def _report(self, _: web.Request) -> web.Response:
        return web.json_response(self._traffic.report())

    async def _rules(self, _: web.Request) -> web.Response:
        return web.json_response([sending.described(rule) for rule in self._faults.rules])

    async def _switch(self, request: web.Request) -> web.Response:
        """Replace all rules by the posted ones; an empty list heals everything."""
        try:
            self._faults.rules = parse(json.loads(await request.text()))
        except (FaultRuleError, ValueError) as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        return await self._rules(request)


def _seen(request: web.Request, key: str) -> Seen:
    query = [(name, value.replace(key, "***")) for name, value in request.query.items()]
    headers = {name: request.headers[name] for name in _SHOWN if name in request.headers}
    return Seen(request.method, request.path, query, headers)
