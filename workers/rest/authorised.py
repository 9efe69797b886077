"""Requests with the credential of their endpoint: its secret, or the access token that the secret is exchanged for."""

from __future__ import annotations

from http import HTTPStatus

from attrs import evolve, field, frozen

from workers.model.failure import FailedError, Reason
from workers.model.page import TOKEN_KINDS, Auth, Read
from workers.model.secret import Secret
from workers.rest.calls import Calls
from workers.rest.paging import Answer
from workers.rest.request import Request
from workers.rest.tokens import Access, Tokens
from workers.rest.tokens.exchange import Exchange
from workers.rest.tokens.rotation import secret_of
from workers.rest.wiring import Clock, Wiring

REMEMBERED_SECONDS = 60.0
"""How long one reading goes on with a secret before it is looked up again: a step may read once for each of a million
rows, and every look-up is a query and a decryption."""


@frozen
class Authorised:
    """Makes the requests of one reading."""

    _calls: Calls
    _wiring: Wiring
    _tokens: Tokens
    _exchange: Exchange
    _clock: Clock
    _found: dict[tuple[str, str], tuple[float, Secret]] = field(factory=dict, init=False, repr=False)
    _replaced: dict[tuple[str, str], Secret] = field(factory=dict, init=False, repr=False)

    async def credential(self, read: Read) -> Secret | None:
        """Find the stored secret of a read; None where it needs none."""
        auth = _auth(read)
        return None if auth.kind == "none" else await self._secret(auth)

    async def _secret(self, auth: Auth) -> Secret:
        key = (auth.provider, auth.secret_key)
        until, secret = self._found.get(key, (0.0, None))
        if secret is None or self._clock.monotonic() >= until:
            secret = await secret_of(auth, self._wiring)
            self._found[key] = (self._clock.monotonic() + REMEMBERED_SECONDS, secret)
        return secret

    async def poll(self, read: Read, request: Request) -> None:
        """Wait for the turn of a poll, as `Calls.poll`."""
        await self._calls.poll(read, request)

    async def answer(self, read: Read, request: Request, credential: Secret | None) -> Answer:
        """Return the page, as `Calls.answer`.

        A token that ended before its time is replaced once, a secret that was rotated meanwhile by the one stored now.
        """
        if credential is None:
            return await self._calls.answer(read, request, None)
        if _auth(read).kind not in TOKEN_KINDS:
            return await self._with_secret(read, request, credential)
        access = await self._access(read, credential)
        try:
            return await self._calls.answer(read, request, access.token)
        except FailedError as error:
            if not (access.held and _rejected(error)):
                raise
        renewed = await self._access(read, credential, access.token)
        return await self._calls.answer(read, request, renewed.token)

    async def _with_secret(self, read: Read, request: Request, credential: Secret) -> Answer:
        auth = _auth(read)
        key = (auth.provider, auth.secret_key)
        used = self._replaced.get(key, credential)
        try:
            return await self._calls.answer(read, request, used)
        except FailedError as error:
            stored = await self._stored_now(auth) if _rejected(error) else None
            if stored is None or stored.reveal() == used.reveal():
                raise
        self._replaced[key] = stored
        self._found.pop(key, None)
        return await self._calls.answer(read, request, stored)

    async def _stored_now(self, auth: Auth) -> Secret | None:
        """Look the secret up again; None where that cannot be known, for the rejection says more than why."""
        try:
            return await secret_of(auth, self._wiring)
        except FailedError:
            return None

    async def _access(self, read: Read, credential: Secret, rejected: Secret | None = None) -> Access:
        limits = read.endpoint.limits
        return await self._tokens.access(_auth(read), limits, credential, self._wiring, self._exchange, rejected)


def _auth(read: Read) -> Auth:
    auth = read.endpoint.auth
    return auth if auth.provider else evolve(auth, provider=read.endpoint.provider)


def _rejected(error: FailedError) -> bool:
    failure = error.failure
    unauthorized = str(int(HTTPStatus.UNAUTHORIZED))
    return failure.reason is Reason.PROVIDER_AUTH and failure.metadata.get("status") == unauthorized
