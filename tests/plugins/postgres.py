"""One Postgres for the whole suite, and a fresh, migrated database for each test that asks for one."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from sandbox.postgres import Postgres
from workers.adapters.journal import migrate

_NUMBERS = itertools.count(1)


@pytest.fixture
def postgres_home() -> Iterator[Path]:
    """Give a folder that the unprivileged user of a root-owned suite keeps reaching.

    It is not below pytest's own: any other session that starts closes that one for everybody but its owner.
    """
    with tempfile.TemporaryDirectory(prefix="postgres-") as home:
        yield Path(home)


@pytest.fixture(scope="session")
async def postgres() -> AsyncIterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="postgres-") as home:
        server = Postgres(Path(home) / "data")
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
