"""The simulator's routes: the token endpoint, the lists, their faults, and two doors for tests (/_faults, /_requests).

Given the estate, the account and its tokens, and rules; hands on an aiohttp application.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sandbox import sending
from sandbox.faults import KINDS as ANY_KINDS
from sandbox.faults import FaultRule, FaultRuleError, Faults, parse_rules
from sandbox.google.account import Account
from sandbox.google.answers import OAuthError, RefusedError, error_body
from sandbox.google.estate import PROJECTS, Estate
from sandbox.google.lists import UNREACHABLE, Asked
from sandbox.google.methods import METHODS, TOKEN, Method
from sandbox.google.oauth import TokenDesk
from sandbox.traffic import Seen, Traffic

# Beside the kinds of every provider: what only Google says, each with its status and reason.
_REFUSALS = {
    "service_disabled": (403, "SERVICE_DISABLED"),
    "billing_disabled": (403, "BILLING_DISABLED"),
    "rate_limited": (403, "rateLimitExceeded"),
}
_REVOKED = "revoked"  # every token ends now
KINDS = (*(kind for kind in ANY_KINDS if kind != "lost_cursor"), UNREACHABLE, _REVOKED, *_REFUSALS)
_SHOWN = ("accept", "accept-encoding", "content-type", "traceparent", "user-agent")
_SEEN = web.RequestKey("seen", Seen)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def parse(document: Any) -> list[FaultRule]:
    """Return the rules of a JSON list."""
    return parse_rules(document, (TOKEN, *(method.name for method in METHODS)), KINDS)


class Service:
    """Answers requests; holds what a request may change: tokens, the rules left and the traffic seen."""

    def __init__(self, estate: Estate, account: Account, tokens: TokenDesk, faults: Faults) -> None:
        self._estate = estate
        self._account = account
        self._tokens = tokens
        self._faults = faults
        self._traffic = Traffic()

    def application(self) -> web.Application:
        """Return the application with all its routes."""
        application = web.Application(middlewares=[self._listing])
        application.router.add_post("/token", self._token)
        for method in METHODS:
            application.router.add_get(method.path, self._answer(method), allow_head=False)
        application.router.add_get("/_requests", self._report)
        application.router.add_get("/_faults", self._rules)
        application.router.add_post("/_faults", self._switch)
        return application

    @web.middleware
    async def _listing(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Log the request, and give every refusal the error body of its kind."""
        if request.path.startswith("/_"):
            return await handler(request)
        headers = {name: request.headers[name] for name in _SHOWN if name in request.headers}
        seen = request[_SEEN] = self._traffic.see(Seen(request.method, request.path, [*request.query.items()], headers))
        try:
            response = await handler(request)
        except (RefusedError, OAuthError) as refused:
            response = sending.document(refused.body, refused.status)
        except web.HTTPException as missing:
            response = sending.document(error_body(missing.status), missing.status)
        seen.status = response.status
        return response

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        rule = self._fault(request, TOKEN)
        body = self._tokens.grant(form)
        if rule is None:
            return sending.document(body)
        error = json.dumps({"error": "internal_failure" if rule.status >= 500 else "invalid_grant"}).encode()  # noqa: PLR2004
        return await sending.answer(request, rule, lambda _kind: body, error)

    def _answer(self, method: Method) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            rule = self._fault(request, method.name)
            self._tokens.check(request.headers.get("Authorization", ""), method.scopes)
            self._check_project(request.match_info.get("project"))

            def page(kind: str) -> bytes:
                asked = Asked(request.path, request.query, kind)
                return method.write(self._estate, asked, request.match_info)

            if rule is None or rule.kind == _REVOKED:
                return sending.document(page(""))
            if rule.kind in _REFUSALS:
                status, reason = _REFUSALS[rule.kind]
                raise RefusedError(status, "The request cannot be served.", reason)
            return await sending.answer(request, rule, page, error_body(rule.status))

        return answer

    def _fault(self, request: web.Request, name: str) -> FaultRule | None:
        rule = self._faults.take(name)
        if rule is not None:
            request[_SEEN].fault = rule.kind
            if rule.kind == _REVOKED:
                self._tokens.revoke()
        return rule

    def _check_project(self, project: str | None) -> None:
        if project is not None and project not in {self._account.project, *PROJECTS}:
            message = f"Required 'compute.instances.list' permission for 'projects/{project}'"
            raise RefusedError(403, message, "IAM_PERMISSION_DENIED")

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
