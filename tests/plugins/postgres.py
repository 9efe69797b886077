"""One Postgres for the whole suite, and a migrated database that is empty for each test that asks for it."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from sandbox.postgres import Postgres
from workers.adapters.journal import migrate

# Whoever is left over from the last test would hold locks, or write between this one's rows.
EMPTY = """
DO $$
DECLARE
    found text;
BEGIN
    PERFORM pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend';
    FOR found IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ('migration', 'tally')
    LOOP
        EXECUTE format('DELETE FROM %I', found);
    END LOOP;
    UPDATE tally SET waiting = 0 WHERE waiting <> 0;
END
$$
"""
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def session_home() -> Iterator[Path]:
    """As `postgres_home`, for the session."""
    with tempfile.TemporaryDirectory(prefix="postgres-") as home:
        yield Path(home)


@pytest.fixture
def postgres_home() -> Iterator[Path]:
    """Give a folder that the unprivileged user of a root-owned suite keeps reaching.

    It is not below pytest's own: any other session that starts closes that one for everybody but its owner.
    """
    with tempfile.TemporaryDirectory(prefix="postgres-") as home:
        yield Path(home)


@pytest.fixture(scope="session")
async def postgres(session_home: Path) -> AsyncIterator[Postgres]:
    server = Postgres(session_home / "data")
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(scope="session")
async def migrated_template(postgres: Postgres) -> str:
    await _run(postgres.url, "CREATE DATABASE migrated")
    await migrate(_database(postgres.url, "migrated"))
    return "migrated"


@pytest.fixture(scope="session")
async def shared_url(postgres: Postgres, migrated_template: str) -> str:
    await _run(postgres.url, f"CREATE DATABASE shared TEMPLATE {migrated_template}")
    return _database(postgres.url, "shared")


@pytest.fixture
async def journal_url(shared_url: str) -> str:
    """Empty the session's journal; a database of its own would cost each test some tenths of a second."""
    await _run(shared_url, EMPTY)
    return shared_url


@pytest.fixture
async def own_journal_url(postgres: Postgres, migrated_template: str) -> AsyncIterator[str]:
    """Give a journal to a test that does to it what no other should meet."""
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
