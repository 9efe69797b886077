"""Replicas that refresh one rotating credential at once: stored, sealed and locked on real engines, nothing is lost."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path
from uuid import uuid4

import pytest

from server.clock import SystemClock
from tests.fakes import hostile_provider as hostile
from tests.fakes.hostile_provider import HostileProvider
from tests.plugins.warehouse_desk import Desk, declared
from tests.unit.rest.tokens.rotating import RotatingProvider, shielded
from workers.adapters.journal import PostgresJournal
from workers.adapters.kms import LocalKms
from workers.catalog import Catalog
from workers.catalog.credentials import Credentials
from workers.model.page import Auth, Endpoint, Read, Receipt
from workers.model.run import StepRun
from workers.model.secret import Secret
from workers.ports import Wiring
from workers.rest import Egress, RestReader
from workers.runtime.turns import Turns
from workers.runtime.vault import Kept, Standing, StepVault

pytestmark = pytest.mark.engine

REPLICAS = 2


async def test_replicas_that_refresh_at_once_leave_the_newest_refresh_token_sealed(
    desk: Desk, journal_url: str, tmp_path: Path
) -> None:
    central, catalog = desk.warehouses.central(), Catalog.load(Path("configs"))
    await central.ensure(declared("configs/system/schemas/org_integration_credentials.json"))
    credentials = Credentials(central, LocalKms(tmp_path / "key"), catalog.schemas, catalog.providers.names)
    first = Secret(json.dumps({"client_id": "me", "client_secret": "own", "refresh_token": "r0"}))
    await credentials.store("acme", "CRM", first, credential_id="c0")
    rotating = RotatingProvider()
    async with HostileProvider() as provider:
        provider.script("/token", rotating.token)
        provider.script("/rows", hostile.rows({"id": 1}))
        await asyncio.gather(*(replica(provider, credentials, journal_url) for _ in range(REPLICAS)))
        assert all(heard.headers["authorization"].startswith("Bearer a") for heard in provider.heard[-1:])
    stored = json.loads((await credentials.open("acme", "CRM")).reveal())
    assert not rotating.revoked
    assert (stored["refresh_token"], rotating.newest) == (f"r{REPLICAS}", REPLICAS)


async def replica(provider: HostileProvider, credentials: Credentials, journal_url: str) -> None:
    """Read once, as a step of a process of its own."""
    clock = SystemClock()
    standing = Standing("acme", uuid4(), StepRun("extract", "generic.api_extractor"), {})
    vault = StepVault(credentials, str.upper, Kept(), standing, clock)
    auth = Auth("oauth2_refresh_token", provider="CRM", token_url=f"{provider.url}/token")
    read = Read(Endpoint("CRM", provider.url, auth), "/rows", data_path="data")

    async def take(_key: str, _per_minute: float, _burst: int) -> float:
        return 0.0

    async def receipt(_: Receipt) -> None:
        return

    async with PostgresJournal.open(journal_url, spawn=asyncio.create_task, roll=random.Random(7).random) as journal:
        turns = Turns(journal, clock)
        wiring = Wiring(vault.secret, take, receipt, "acme", store=vault.rotate, turn=turns.take, shielded=shielded)
        reader = RestReader(Egress.parse(f"127.0.0.1:{provider.port}"), clock, lambda: 0.5)
        async with reader.open(wiring) as reading:
            assert [page.rows async for page in reading.pages(read)] == [({"id": 1},)]
        reader.close()
