"""The simulator's routes: authorization, the listings, their faults, and two doors for tests (/_faults, /_requests).

Given pages, faults, the admin key and a clock; hands on an aiohttp application.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from datetime import datetime

from aiohttp import web

from sandbox import sending
from sandbox.anthropic.answers import RefusedError, bad, error_body
from sandbox.anthropic.listings import ANALYTICS, FLAT, LISTINGS, Listing
from sandbox.anthropic.pages import KINDS, Pages
from sandbox.anthropic.query import parse_query
from sandbox.faults import KINDS as ANY_KINDS
from sandbox.faults import FaultRule, FaultRuleError, Faults, parse_rules
from sandbox.traffic import Seen, Traffic

ROOT = "/v1/organizations"
VERSIONS = ("2023-01-01", "2023-06-01", "2026-10-21")
_SHOWN = ("accept", "anthropic-version", "anthropic-beta", "traceparent", "user-agent")
_SEEN = web.RequestKey("seen", Seen)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def parse(document: object) -> list[FaultRule]:
    """Return the rules of a JSON list; raises FaultRuleError on anything else."""
    return parse_rules(document, [listing.name for listing in LISTINGS], (*ANY_KINDS, *KINDS))


class Service:
    """Answers requests; holds what a request may change: the rules left and the traffic seen."""

    def __init__(self, pages: Pages, faults: Faults, key: str, now: Callable[[], datetime]) -> None:
        self._pages = pages
        self._faults = faults
        self._key = key
        self._now = now
        self._traffic = Traffic()

    def application(self) -> web.Application:
        """Return the application with all its routes."""
        application = web.Application(middlewares=[self._listing])
        for listing in LISTINGS:
            application.router.add_get(f"{ROOT}/{listing.path}", self._answer(listing), allow_head=False)
        application.router.add_get("/_requests", self._report)
        application.router.add_get("/_faults", self._rules)
        application.router.add_post("/_faults", self._switch)
        return application

    @web.middleware
    async def _listing(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Log the request, check key and version, and give every refusal the API's error body."""
        if request.path.startswith("/_"):
            return await handler(request)
        seen = request[_SEEN] = self._traffic.see(_seen(request, self._key))
        try:
            self._authorize(request)
            response = await handler(request)
        except RefusedError as refused:
            response = sending.document(refused.body, refused.status)
        except web.HTTPException as missing:
            response = sending.document(error_body(missing.status, "Not found"), missing.status)
        if not response.prepared:
            response.headers["request-id"] = "req_" + hashlib.sha256(repr(seen).encode()).hexdigest()[:24]
        seen.status = response.status
        return response

    def _authorize(self, request: web.Request) -> None:
        key, version = request.headers.get("x-api-key", ""), request.headers.get("anthropic-version")
        if not key:
            raise RefusedError(401, "x-api-key header is required")
        if not hmac.compare_digest(key.encode(), self._key.encode()):
            if key.startswith("sk-ant-api"):
                raise RefusedError(403, "This endpoint needs an Admin API key.")
            raise RefusedError(401, "invalid x-api-key")
        if version not in VERSIONS:
            raise bad("anthropic-version", "header is required" if version is None else f"{version!r} is not a version")

    def _answer(self, listing: Listing) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            betas = [beta.strip() for beta in request.headers.get("anthropic-beta", "").split(",")]
            if listing in FLAT and ANALYTICS not in betas:
                raise bad("anthropic-beta", f"this endpoint needs {ANALYTICS}")
            query = parse_query(listing, list(request.query.items()), self._now(), betas)
            rule = self._faults.take(listing.name)
            if rule is None:
                return sending.document(self._pages.page(query))
            request[_SEEN].fault = rule.kind
            return await sending.answer(
                request, rule, lambda kind: self._pages.page(query, kind), error_body(rule.status)
            )

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
