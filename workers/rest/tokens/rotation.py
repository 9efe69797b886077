"""Refresh tokens that change with use: one exchange in the whole fleet, and the new one is stored before all else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from workers.model.failure import FailedError, Reason
from workers.model.page import Auth
from workers.model.secret import Secret
from workers.rest.tokens.keyfiles import Client, refreshing_client
from workers.rest.tokens.verdict import Grant
from workers.rest.wiring import Clock, Wiring

STORING_ATTEMPTS = 5
_STORING_SECONDS = 0.5

_log = structlog.get_logger(__name__)

Ask = Callable[[Client], Awaitable[Grant]]


class Rotation:
    """Does the refreshes of one process; what could not be stored is kept and stored before the next refresh."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._unstored: dict[tuple[str, str], tuple[str, Client]] = {}

    async def refresh(self, auth: Auth, wiring: Wiring, ask: Ask) -> tuple[Secret, Grant]:
        """Return the credential as it is stored now, and what was granted for it.

        Whoever cancels this once it has asked waits for its end: a refresh token that was answered is never dropped.
        """
        async with wiring.turn(auth.provider):
            client = await self._stored(auth, wiring)
            refreshed: tuple[Secret, Grant] = await wiring.shielded(self._refresh(auth, wiring, client, ask))
            return refreshed

    async def _refresh(self, auth: Auth, wiring: Wiring, client: Client, ask: Ask) -> tuple[Secret, Grant]:
        try:
            grant = await ask(client)
        except FailedError as error:
            # Somebody may have stored another credential while the old one was asked with.
            client = await self._changed(auth, wiring, client, error)
            grant = await ask(client)
        if grant.refresh_token and grant.refresh_token != client.refresh_token:
            client = await self._store(auth, wiring, client, grant.refresh_token)
        return client.sealed(), grant

    async def _stored(self, auth: Auth, wiring: Wiring) -> Client:
        """Read the credential; one that this process could not store goes before it."""
        client = refreshing_client(await secret_of(auth, wiring), auth.provider)
        key = (wiring.budget_key, auth.provider)
        replaced, unstored = self._unstored.get(key, ("", None))
        if unstored is None:
            return client
        if client.refresh_token == replaced:
            await self._save(auth, wiring, unstored)
            client = unstored
        self._unstored.pop(key, None)
        return client

    async def _changed(self, auth: Auth, wiring: Wiring, used: Client, error: FailedError) -> Client:
        if error.failure.reason is not Reason.PROVIDER_AUTH:
            raise error
        client = refreshing_client(await secret_of(auth, wiring), auth.provider)
        if client.refresh_token == used.refresh_token:
            raise error
        return client

    async def _store(self, auth: Auth, wiring: Wiring, used: Client, refresh_token: str) -> Client:
        client = used.rotated(refresh_token)
        self._unstored[wiring.budget_key, auth.provider] = (used.refresh_token, client)
        await self._save(auth, wiring, client)
        del self._unstored[wiring.budget_key, auth.provider]
        return client

    async def _save(self, auth: Auth, wiring: Wiring, client: Client) -> None:
        for attempt in range(1, STORING_ATTEMPTS + 1):
            try:
                await wiring.store(auth.provider, client.sealed())
            except FailedError as error:
                if not error.failure.retryable or attempt == STORING_ATTEMPTS:
                    raise
                _log.warning("refresh token not stored", provider=auth.provider, reason=error.failure.reason)
                await self._clock.sleep(_STORING_SECONDS * 2 ** (attempt - 1))
            else:
                return


async def secret_of(auth: Auth, wiring: Wiring) -> Secret:
    """Find the secret that an endpoint is spoken to with."""
    return await wiring.secret(*(name for name in (auth.provider, auth.secret_key) if name))
