from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from sandbox.postgres import Postgres
from tests.conformance.journal.conftest import Desk, OpenJournal, new_run
from workers.adapters.journal import MigrationError, PostgresJournal, migrate, unsoundness
from workers.model.failure import FailedError, Reason

pytestmark = pytest.mark.engine


@pytest.fixture
async def own_postgres(postgres_home: Path) -> AsyncIterator[Postgres]:
    server = Postgres(postgres_home / "data")
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def bare_url(postgres: Postgres) -> AsyncIterator[str]:
    """Give a database in which there is nothing."""
    connection = await asyncpg.connect(postgres.url)
    await connection.execute("CREATE DATABASE bare")
    yield f"{postgres.url.rpartition('/')[0]}/bare"
    await connection.execute("DROP DATABASE bare WITH (FORCE)")
    await connection.close()


@pytest.fixture
async def own_database(own_journal_url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(own_journal_url)
    yield connection
    await connection.close()


async def accept_until_failure(journal: PostgresJournal) -> list[object]:
    acked: list[object] = []
    try:
        while True:
            acked.append((await journal.add(new_run())).run_id)
    except FailedError:
        return acked


@pytest.mark.fault("F15")
@pytest.mark.promise("P1")
async def test_nothing_accepted_is_lost_when_postgres_falls_over(
    own_postgres: Postgres, open_journal: OpenJournal
) -> None:
    await migrate(own_postgres.url)
    async with open_journal(own_postgres.url) as journal:
        callers = [asyncio.get_running_loop().create_task(accept_until_failure(journal)) for _ in range(8)]
        while (await journal.depth()).waiting < 50:
            pass
        await own_postgres.restart_immediate()
        async with asyncio.timeout(20):
            while not await _answers(journal):
                pass
            await asyncio.gather(*(journal.add(new_run()) for _ in range(3)))
            await own_postgres.stop()
            acked = [run_id for caller in callers for run_id in await caller]
        await own_postgres.start()
        kept = {run.run_id for run in await journal.list_runs("acme", limit=100_000)}
        assert len(acked) >= 50
        assert kept.issuperset(acked)


async def _answers(journal: PostgresJournal) -> bool:
    try:
        await journal.ping()
    except FailedError:
        return False
    return True


async def test_every_call_says_that_the_journal_is_away(own_postgres: Postgres, open_journal: OpenJournal) -> None:
    await migrate(own_postgres.url)
    async with open_journal(own_postgres.url) as journal:
        lease = await Desk(journal).lease()
        await own_postgres.stop()
        for call in (
            journal.add(new_run()),
            journal.claim("w1", 1),
            journal.heartbeat("w1", {lease.run.run_id: lease.fence}),
            journal.snooze(lease, 1, ""),
            journal.depth(),
            journal.lead("role").__aenter__(),
        ):
            with pytest.raises(FailedError) as caught:
                await call
            assert caught.value.failure.reason is Reason.SERVICE_UNAVAILABLE


async def test_data_outlive_a_restart(postgres_home: Path, open_journal: OpenJournal) -> None:
    for expected in (1, 2):
        server = Postgres(postgres_home / "data")
        await server.start()
        await migrate(server.url)
        async with open_journal(server.url) as journal:
            await Desk(journal).add()
            assert (await journal.depth()).waiting == expected
        await server.stop()
        assert not server.alive


async def test_a_server_left_behind_is_ended_before_a_new_one_starts(postgres_home: Path) -> None:
    left, new = Postgres(postgres_home / "data"), Postgres(postgres_home / "data")
    await left.start()
    await new.start()
    assert (left.alive, new.alive) == (False, True)
    await new.stop()


async def test_only_who_has_the_password_enters(postgres: Postgres) -> None:
    stranger = postgres.url.replace("postgres:", "postgres:x")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(stranger)


async def test_migrations_are_applied_once_by_any_number_of_replicas(bare_url: str) -> None:
    applied = await asyncio.gather(*(migrate(bare_url) for _ in range(4)))
    assert sorted(applied)[:3] == [0, 0, 0]
    assert await unsoundness(bare_url) == ()


async def test_a_database_without_migrations_is_unsound(bare_url: str) -> None:
    assert await unsoundness(bare_url) == ("the journal's migrations were never applied",)


async def test_a_migration_that_is_behind_or_changed_is_told(
    own_journal_url: str, own_database: asyncpg.Connection[asyncpg.Record]
) -> None:
    await own_database.execute("DELETE FROM migration WHERE version = 7")
    assert await unsoundness(own_journal_url) == ("migration 7 is not applied",)
    await own_database.execute("UPDATE migration SET checksum = 'x' WHERE version = 2")
    with pytest.raises(MigrationError):
        await migrate(own_journal_url)


async def test_durability_that_is_switched_off_is_told(
    own_journal_url: str, own_database: asyncpg.Connection[asyncpg.Record]
) -> None:
    name = await own_database.fetchval("SELECT current_database()")
    await own_database.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    assert await unsoundness(own_journal_url) == ("synchronous_commit is off",)


@pytest.mark.fault("F20")
async def test_a_statement_that_lost_a_deadlock_is_tried_again(
    journal: PostgresJournal, desk: Desk, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    """The stranger waits for the lock that the journal holds, and holds the one that it waits for."""
    lease = await desk.lease()
    await database.execute("SET deadlock_timeout = '10s'")
    async with database.transaction():
        await database.execute("INSERT INTO quota_ended VALUES ('acme', today(), 0, 0)")
        ending = asyncio.get_running_loop().create_task(desk.finish(lease))
        await until_one_waits(database)
        await database.execute("UPDATE queue SET why = 'x'")
    await ending
    assert (await journal.depth()).running == 0


@pytest.mark.fault("F20")
async def test_a_statement_that_could_not_be_serialized_is_tried_again(
    open_journal: OpenJournal, own_journal_url: str, own_database: asyncpg.Connection[asyncpg.Record]
) -> None:
    """The journal's statement waits for a row that a stranger changes after the statement's snapshot was taken."""
    name = await own_database.fetchval("SELECT current_database()")
    await own_database.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'")
    passed: list[str] = []
    async with open_journal(own_journal_url, failpoint=passed.append) as journal:
        desk = Desk(journal)
        lease = await desk.lease()
        async with own_database.transaction():
            await own_database.execute("UPDATE queue SET why = 'x'")
            ending = asyncio.get_running_loop().create_task(desk.finish(lease))
            await until_one_waits(own_database)
        await ending
        assert (passed.count("record.before_commit"), passed.count("record.after_commit")) == (2, 1)
        assert (await journal.depth()).running == 0


async def until_one_waits(database: asyncpg.Connection[asyncpg.Record]) -> None:
    """Return when a statement waits for a lock."""
    async with asyncio.timeout(5):
        while not await database.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            pass
