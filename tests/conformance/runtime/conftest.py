"""A workshop on a journal that holds nothing; the database is one for the whole folder, emptied before each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from sandbox.postgres import Postgres
from tests.fakes.wall import Wall
from tests.fakes.workshop import ONE_STEP, Workshop, open_workshop
from workers.adapters.journal import migrate
from workers.model.org import Subscription

KEPT = ("migration", "tally")


@pytest.fixture(scope="session")
async def workshop_url(postgres: Postgres) -> str:
    connection = await asyncpg.connect(postgres.url)
    await connection.execute("CREATE DATABASE workshop")
    await connection.close()
    url = f"{postgres.url.rpartition('/')[0]}/workshop"
    await migrate(url)
    return url


@pytest.fixture
async def empty_url(workshop_url: str) -> str:
    """Empty every table that a test may have filled."""
    connection = await asyncpg.connect(workshop_url)
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    for table in {row["tablename"] for row in rows} - set(KEPT):
        await connection.execute(f"DELETE FROM {table}")
    await connection.execute("UPDATE tally SET waiting = 0 WHERE waiting <> 0")
    await connection.close()
    return workshop_url


@pytest.fixture
async def shop(empty_url: str, tmp_path: Path) -> AsyncIterator[Workshop]:
    async with open_workshop(empty_url, tmp_path / "configs") as workshop:
        yield workshop


@pytest.fixture
async def wall(shop: Workshop, empty_url: str) -> AsyncIterator[Wall]:
    await shop.declare(ONE_STEP)
    shop.enrol("acme", subscription=Subscription("ACTIVE", "PRO", 10_000, 10_000, 50))
    connection = await asyncpg.connect(empty_url)
    yield Wall(shop, connection)
    await connection.close()
