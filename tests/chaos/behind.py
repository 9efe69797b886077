"""A replica that does all the work and reaches BigQuery through a proxy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.chaos.arena import Arena
from tests.fakes.bigquery_proxy import BigQueryProxy


@asynccontextmanager
async def behind_a_proxy(arena: Arena, **changed: str) -> AsyncIterator[BigQueryProxy]:
    """Let such a replica, told what else is changed, stand in for the sandbox's own."""
    await arena.ready()
    async with (
        BigQueryProxy(arena.running.stack.environment["BIGQUERY_EMULATOR_HOST"]) as proxy,
        arena.answering_only(),
        arena.replica(ROLE="worker", BIGQUERY_EMULATOR_HOST=proxy.url, **changed),
    ):
        yield proxy
