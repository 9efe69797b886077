"""From a stored credential to the access token that is sent: held ones first, else one exchange for all who ask."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from hashlib import sha256
from json import dumps

from attrs import frozen

from workers.model.failure import Code, Reason, refused
from workers.model.page import Auth, Limits
from workers.model.secret import Secret
from workers.rest.tokens.exchange import Exchange
from workers.rest.tokens.grants import Form, assertion_form, client_form, refresh_form
from workers.rest.tokens.held import Held, HeldTokens
from workers.rest.tokens.keyfiles import Client, client, service_account
from workers.rest.tokens.rotation import Rotation
from workers.rest.tokens.verdict import Grant
from workers.rest.wiring import Clock, Wiring


@frozen
class Access:
    """A token to send; `held` says that it was there already, so that a rejection may only mean it ended early."""

    token: Secret
    held: bool


class Tokens:
    """The access tokens of one process, shared by whoever reads with the same credential; signs in `threads`."""

    def __init__(self, clock: Clock, threads: Executor) -> None:
        self._clock = clock
        self._threads = threads
        self._tokens = HeldTokens(clock)
        self._rotation = Rotation(clock)

    async def access(
        self, auth: Auth, limits: Limits, secret: Secret, wiring: Wiring, exchange: Exchange, rejected: Secret | None
    ) -> Access:
        """Return a token for a credential, never the `rejected` one.

        Raises FailedError with CREDENTIAL_INVALID, CONFIG_INVALID or a PROVIDER_ reason; SnoozeError.
        """
        key = _key(auth, secret)
        held = self._tokens.find(key, rejected)
        if held is not None:
            return Access(held, held=True)

        async def ask(form: Form) -> Grant:
            return await exchange.grant(auth, limits, form)

        token = await self._tokens.obtain(key, self._asking(auth, secret, wiring, ask), rejected)
        return Access(token, held=False)

    def _asking(
        self, auth: Auth, secret: Secret, wiring: Wiring, ask: Callable[[Form], Awaitable[Grant]]
    ) -> Callable[[], Awaitable[Held]]:
        async def by_assertion() -> Held:
            account = service_account(secret, auth.provider)
            loop = asyncio.get_running_loop()
            form = await loop.run_in_executor(self._threads, assertion_form, auth, account, self._clock.now())
            return self._tokens.holding(await ask(form))

        async def as_client() -> Held:
            return self._tokens.holding(await ask(client_form(auth, client(secret, auth.provider))))

        async def by_refresh() -> Held:
            async def refresh(used: Client) -> Grant:
                return await ask(refresh_form(auth, used))

            stored, grant = await self._rotation.refresh(auth, wiring, refresh)
            held = self._tokens.holding(grant)
            self._tokens.keep(_key(auth, stored), held)
            return held

        ways = {
            "service_account": by_assertion,
            "oauth2_client_credentials": as_client,
            "oauth2_refresh_token": by_refresh,
        }
        if auth.kind not in ways:
            what = f"{auth.provider}: no way of authentication is called {auth.kind!r}"
            raise refused(Code.FAILED_PRECONDITION, Reason.CONFIG_INVALID, what)
        return ways[auth.kind]


def _key(auth: Auth, secret: Secret) -> str:
    """Name what makes two wishes for a token the same; of the credential only its digest is in it."""
    wish = [auth.kind, auth.provider, auth.token_url, auth.audience, auth.client_auth, list(auth.scopes)]
    return sha256(f"{dumps(wish)}\n{secret.reveal()}".encode()).hexdigest()
