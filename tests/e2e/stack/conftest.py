"""What takes effect while other tests run: an organisation that is suspended and one whose key is revoked."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest_asyncio
from attrs import frozen

from tests.fakes.org_client import NOTHING
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
