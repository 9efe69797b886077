"""A token endpoint that forgets a refresh token when it is used and revokes all when it sees one again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

from attrs import define, field

from tests.fakes import hostile_provider as hostile
from tests.fakes.hostile_provider import Line
from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.secret import Secret


@define
class RotatingProvider:
    """Grants a0, a1, … with the refresh tokens r1, r2, …; only the newest is taken, a used one ends them all."""

    newest: int = 0
    revoked: bool = False
    before: Callable[[], Coroutine[Any, Any, None]] | None = None

    async def token(self, line: Line) -> None:
        form = dict(parse_qsl(line.heard.body.decode()))
        if self.before is not None:
            await self.before()
        if self.revoked or form["refresh_token"] != f"r{self.newest}":
            self.revoked = True
            await hostile.answer(b'{"error": "invalid_grant"}', "400 Bad Request")(line)
            return
        self.newest += 1
        grant = {"access_token": f"a{self.newest - 1}", "expires_in": 3600, "refresh_token": f"r{self.newest}"}
        await hostile.text(json.dumps(grant))(line)


@define
class StoredCredential:
    """What is stored for the organisation, shared by all replicas; `faults` are raised in the place of storing."""

    text: str
    faults: list[FailedError] = field(factory=list)
    log: list[str] = field(factory=list)
    lock: asyncio.Lock = field(factory=asyncio.Lock)

    @property
    def refresh_token(self) -> str:
        return str(json.loads(self.text)["refresh_token"])

    async def find(self, _provider: str) -> Secret:
        await asyncio.sleep(0)
        return Secret(self.text)

    async def store(self, provider: str, secret: Secret) -> None:
        await asyncio.sleep(0)
        if self.faults:
            raise self.faults.pop(0)
        self.log.append(f"stored for {provider}")
        self.text = secret.reveal()

    @asynccontextmanager
    async def turn(self, _provider: str) -> AsyncIterator[None]:
        async with self.lock:
            yield


def away(*, retryable: bool) -> FailedError:
    """The error of a store that does not take it."""
    return FailedError(Failure(Code.UNAVAILABLE, Reason.WAREHOUSE_UNAVAILABLE, "away", retryable=retryable))


async def shielded(work: Coroutine[Any, Any, Any]) -> Any:
    """Await to the end, as the supervisor does."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
