"""What takes its time while other tests run: a suspension, a revoked key, a provider that never recovers."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from attrs import frozen

from tests.e2e.stack import annex
from tests.fakes.org_client import EXTRACT, NOTHING, USAGE_COST
from tests.plugins.sandbox import CENTRAL, Running


@frozen
class Departure:
    """When `leaving` and `revoked` were told to go (monotonic seconds), and a run `leaving` had before."""

    at: float
    run_id: str


@pytest_asyncio.fixture(scope="session", autouse=True)
async def departure(sandbox_stack: Running) -> AsyncIterator[Departure]:
    leaving, revoked = sandbox_stack.org("leaving"), sandbox_stack.org("revoked")
    assert (await revoked.done(NOTHING))["status"] == "COMPLETED"
    run_id = await leaving.accepted(NOTHING, key="before", note="before")
    await leaving.ended(run_id)
    for statement in (
        f"UPDATE {CENTRAL}.org_subscriptions SET status = 'SUSPENDED' WHERE org_slug = 'leaving'",
        f"UPDATE {CENTRAL}.org_api_keys SET is_active = FALSE WHERE org_slug = 'revoked'",
    ):
        await sandbox_stack.query(statement)
    yield Departure(time.monotonic(), run_id)


@frozen
class Annexed:
    """The second service, and the runs that were started there at once."""

    annex: annex.Annex
    priced: str
    limited: str
    outage: str
    told: str


@pytest_asyncio.fixture(scope="session", autouse=True)
async def annexed(sandbox_stack: Running, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Annexed]:
    async with annex.opened(sandbox_stack, tmp_path_factory.mktemp("annex")) as second:
        traced = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        yield Annexed(
            second,
            await second.start("priced", USAGE_COST, traced, date=annex.FINE),
            await second.start("limited", EXTRACT, date=annex.LIMITED),
            await second.start("outage", annex.ALONE, date=annex.OUTAGE),
            await second.start("told", annex.OPENING, of="SLACK"),
        )
