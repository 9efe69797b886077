"""Asking a token endpoint until it answers: within the policy of egress, bounded in bytes, time and attempts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlencode

import structlog
from aiohttp import ClientResponse, ClientSession
from attrs import evolve, frozen
from yarl import URL

from workers.model.failure import Reason, SnoozeError, pause_for, provider_failed
from workers.model.page import Auth, Limits
from workers.model.retry import Again, decide
from workers.rest.body import BodyError, check_headers, receive
from workers.rest.egress import Egress
from workers.rest.faults import TransportErrors, trouble_of
from workers.rest.metrics import observe
from workers.rest.request import bare
from workers.rest.tokens.grants import Form
from workers.rest.tokens.verdict import Grant, judge
from workers.rest.trouble import Trouble, bad_response
from workers.rest.wiring import Clock

ANSWER_BYTES = 64 * 1024
LONGEST_SECONDS = 30.0
BACKOFF_SECONDS = 0.5

_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "Content-Type": "application/x-www-form-urlencoded",
}
_log = structlog.get_logger(__name__)


@frozen
class Exchange:
    """Sends on one step's session; it waits `patience` seconds in all, a longer wait raises SnoozeError."""

    _session: ClientSession
    _egress: Egress
    _clock: Clock
    _roll: Callable[[], float]
    _patience: float

    async def grant(self, auth: Auth, limits: Limits, form: Form) -> Grant:
        """Return what was granted, its life counted from now.

        Raises FailedError with a PROVIDER_ reason or CONFIG_INVALID, or SnoozeError.
        """
        url = self._address(auth)
        attempt, left = 1, self._patience
        while True:
            outcome = await self._timed(auth.provider, url, form, min(limits.request_seconds, LONGEST_SECONDS))
            if isinstance(outcome, Grant):
                return outcome
            error = outcome.error(f"POST {bare(url)}", auth.provider, attempt)
            decision = decide(error.failure, attempt, limits.attempts, BACKOFF_SECONDS, self._roll())
            if not isinstance(decision, Again):
                raise error
            if decision.delay > left:
                why, reason = f"waiting for an access token: {url.authority}", error.failure.reason
                raise SnoozeError(decision.delay, why, pause=pause_for(reason), failure=reason)
            _log.warning("token not granted", error=str(error), attempt=attempt, delay=decision.delay)
            left -= decision.delay
            await self._clock.sleep(decision.delay)
            attempt += 1

    def _address(self, auth: Auth) -> URL:
        try:
            url = URL(auth.token_url)
            objection = "" if url.absolute else "a token URL has to be absolute"
            objection = objection or self._egress.objection(url)
        except ValueError:
            objection = "its token URL is not a URL"
        if objection:
            raise provider_failed(Reason.CONFIG_INVALID, f"{auth.provider}: {objection}", retryable=False)
        return url

    async def _timed(self, provider: str, url: URL, form: Form, seconds: float) -> Grant | Trouble:
        began = self._clock.monotonic()
        outcome = await self._once(url, form, seconds)
        taken = self._clock.monotonic() - began
        if isinstance(outcome, Trouble):
            observe(provider, outcome.status, taken)
            return outcome
        observe(provider, int(HTTPStatus.OK), taken)
        return evolve(outcome, seconds=max(0.0, outcome.seconds - taken))

    async def _once(self, url: URL, form: Form, seconds: float) -> Grant | Trouble:
        try:
            async with (
                asyncio.timeout(seconds),
                self._session.post(
                    url,
                    data=urlencode(form.members).encode(),
                    headers={**_HEADERS, **form.headers},
                    allow_redirects=False,
                ) as response,
            ):
                return await self._judged(response)
        except BodyError as error:
            return bad_response(str(error), status=int(HTTPStatus.OK))
        except TransportErrors as error:
            return trouble_of(error)

    async def _judged(self, response: ClientResponse) -> Grant | Trouble:
        if response.status == HTTPStatus.OK:
            check_headers(response.headers)
            body = await receive(response, ANSWER_BYTES)
        else:
            body = await _reason(response)
        return judge(response.status, response.headers, body, self._clock.now())


async def _reason(response: ClientResponse) -> bytes:
    # A body that breaks off or is too large must not make an answer out of its status.
    try:
        return await receive(response, ANSWER_BYTES)
    except (BodyError, *TransportErrors):
        return b""
