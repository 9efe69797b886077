"""Steps on credentials: the real registry, reader and vault, providers on loopback that answer as published."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from attrs import define, evolve, field
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from server.clock import SystemClock
from tests.fakes import hostile_provider as hostile
from tests.fakes.credential_shelf import CredentialShelf
from tests.fakes.hostile_provider import HostileProvider
from tests.fakes.step_bench import Bench
from workers.catalog import Catalog
from workers.model.page import Auth, Endpoint
from workers.model.pipeline import Step
from workers.model.run import StepRun
from workers.ports import StepContext, StepResult, Wiring
from workers.rest import Egress, RestReader
from workers.runtime.vault import Kept, Standing, StepVault

FIXTURES = Path("tests/fixtures")
PATHS = {
    "OPENAI": "/v1/organization/usage/completions",
    "ANTHROPIC": "/v1/organizations/usage_report/messages",
    "GCP_SA": "/v1/billingAccounts",
}


def example(name: str) -> bytes:
    """A published answer, as provider/name."""
    provider, _, document = name.partition("/")
    return (FIXTURES / provider / "examples" / f"{document}.json").read_bytes()


@define(eq=False)
class Trial:
    """One step's surroundings; `does` runs an engine on them. With `auth` every provider is spoken to by it."""

    provider: HostileProvider
    catalog: Catalog
    reader: RestReader
    shelf: CredentialShelf = field(factory=CredentialShelf)
    kept: Kept = field(factory=Kept)
    auth: Auth | None = None

    def endpoint(self, provider: str) -> Endpoint:
        found = self.catalog.endpoint(provider)
        return evolve(found, auth=self.auth) if self.auth else found

    def answers(self, provider: str, body: bytes = b"{}", status: str = "200 OK", **headers: str) -> None:
        self.provider.script(PATHS[provider], hostile.answer(body, status, **headers))

    @property
    def asked(self) -> list[str]:
        return [heard.path for heard in self.provider.heard]

    def vault(self, step: str = "step", done: Mapping[str, StepRun] | None = None) -> StepVault:
        credentials: Any = self.shelf
        standing = Standing("acme", UUID(int=7), StepRun(step, "x.y"), done or {})
        return StepVault(credentials, self.catalog.providers.canonical, self.kept, standing, SystemClock())

    async def does(self, engine: Any, vault: StepVault | None = None, **config: Any) -> StepResult:
        vault = vault or self.vault()
        async with self.context(vault) as ctx:
            result: StepResult = await engine.execute(engine.Config(**config), ctx)
            return result

    @asynccontextmanager
    async def context(self, vault: StepVault) -> AsyncIterator[StepContext]:
        async def take(_key: str, _per_minute: float, _burst: int) -> float:
            return 0.0

        async def receipt(_page: object) -> None:
            pass

        wiring = Wiring(vault.secret, take, receipt, budget_key="acme", store=vault.rotate)
        bench = Bench(self.catalog, lambda _read: ())
        async with self.reader.open(wiring) as reading:
            ctx = bench.context(reading=reading, vault=vault, secret=vault.secret, clock=SystemClock())
            yield evolve(ctx, step=Step("step", "x.y"), endpoint=self.endpoint)


@pytest.fixture
async def trial() -> AsyncIterator[Trial]:
    async with HostileProvider() as provider:
        urls = {
            "OPENAI_BASE_URL": f"{provider.url}/v1",
            "ANTHROPIC_BASE_URL": f"{provider.url}/v1",
            "GCP_API_BASE_URL": provider.url,
            "GCP_TOKEN_URL": f"{provider.url}/token",
        }
        provider.script("/token", hostile.answer(b'{"access_token": "t1", "expires_in": 3600}'))
        reader = RestReader(Egress.parse(f"127.0.0.1:{provider.port}"), SystemClock(), lambda: 0.0, patience=0.0)
        yield Trial(provider, Catalog.load(Path("configs"), base_urls=urls), reader)
        reader.close()


@pytest.fixture(scope="session")
def key_file() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    members = {
        "type": "service_account",
        "project_id": "acme-prod",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": "reader@acme-prod.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return json.dumps(members)
