"""One Postgres for the whole suite, and a fresh, migrated database for each test that asks for one."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator

import asyncpg
import pytest

from sandbox.postgres import Postgres
from workers.adapters.journal import migrate

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
async def postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Postgres]:
    server = Postgres(tmp_path_factory.mktemp("postgres") / "data")
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(scope="session")
async def migrated_template(postgres: Postgres) -> str:
    await _run(postgres.url, "CREATE DATABASE migrated")
    await migrate(_database(postgres.url, "migrated"))
    return "migrated"


@pytest.fixture
async def journal_url(postgres: Postgres, migrated_template: str) -> AsyncIterator[str]:
    name = f"journal_{next(_NUMBERS)}"
    await _run(postgres.url, f"CREATE DATABASE {name} TEMPLATE {migrated_template}")
    yield _database(postgres.url, name)
    await _run(postgres.url, f"DROP DATABASE {name} WITH (FORCE)")


def _database(url: str, name: str) -> str:
    return f"{url.rpartition('/')[0]}/{name}"


async def _run(url: str, command: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(command)
    finally:
        await connection.close()
