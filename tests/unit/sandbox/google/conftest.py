"""The simulated Google on a port of its own, without a process, and a caller that holds its service account."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from attrs import define, field
from google.auth import crypt, jwt

from sandbox.faults import Faults
from sandbox.google.account import AUDIENCE, Account, new_key_file
from sandbox.google.app import Service, parse
from sandbox.google.estate import Estate
from sandbox.google.oauth import TokenDesk

SCOPES = "https://www.googleapis.com/auth/cloud-billing.readonly https://www.googleapis.com/auth/compute.readonly"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture(scope="session")
def key_file() -> str:
    return new_key_file(1024)


@define
class Caller:
    """A client of the simulator; `now` is the simulator's clock."""

    client: TestClient[Any, Any]
    key: dict[str, Any]
    ahead: list[float] = field(factory=lambda: [0.0])

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        said = {"iss": self.key["client_email"], "aud": AUDIENCE, "scope": SCOPES, "iat": now, "exp": now + 3600}
        return {name: value for name, value in (said | changes).items() if value is not None}

    def assertion(self, private_key: str = "", **changes: Any) -> str:
        signer = crypt.RSASigner.from_string(private_key or self.key["private_key"], self.key["private_key_id"])
        return str(jwt.encode(signer, self.claims(**changes)).decode())

    async def ask_token(self, assertion: str, grant_type: str = GRANT) -> ClientResponse:
        return await self.client.post("/token", data={"grant_type": grant_type, "assertion": assertion})

    async def token(self, **changes: Any) -> str:
        answer = await self.ask_token(self.assertion(**changes))
        assert answer.status == 200, await answer.text()
        return str((await answer.json())["access_token"])

    async def get(self, path: str, token: str, **query: str) -> ClientResponse:
        return await self.client.get(path, params=query, headers={"Authorization": f"Bearer {token}"})

    async def pages(self, path: str, **query: str) -> list[dict[str, Any]]:
        """Every page of a list."""
        token = await self.token()
        found: list[dict[str, Any]] = []
        following: dict[str, str] = {}
        while True:
            answer = await self.get(path, token, **query, **following)
            assert answer.status == 200, await answer.text()
            found.append(await answer.json())
            if not found[-1].get("nextPageToken"):
                return found
            following = {"pageToken": found[-1]["nextPageToken"]}


Start = Callable[..., Any]


@pytest.fixture
async def start(key_file: str) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def begin(*faults: Any) -> Caller:
            account, ahead = Account(key_file), [0.0]
            tokens = TokenDesk(account, lambda: time.time() + ahead[0])
            application = Service(Estate(7), account, tokens, Faults(parse(list(faults)))).application()
            server = TestServer(application, handler_cancellation=True, shutdown_timeout=0.1)
            return Caller(await stack.enter_async_context(TestClient(server)), json.loads(key_file), ahead)

        yield begin


@pytest.fixture
async def caller(start: Start) -> Any:
    return await start()
