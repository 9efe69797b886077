"""Brings a database to the schema this code expects, and tells what is missing or unsafe about one."""

from __future__ import annotations

from typing import TypeAlias

import asyncpg

from workers.adapters.journal.database import Address
from workers.adapters.journal.errors import ENGINE_ERRORS, AwayError
from workers.adapters.journal.statements import Migration, migrations, statements

_Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class MigrationError(Exception):
    """The database holds another history of migrations than these files."""


async def migrate(url: str) -> int:
    """Apply what is missing, one replica at a time; return how many migrations were applied.

    Raises MigrationError when an applied file has changed since, FailedError when the database is away.
    """
    connection = await Address(url, "journal migrations", command_timeout=300.0).connect()
    try:
        await connection.execute(statements()["lock_migrations"])
        return await _apply(connection)
    except ENGINE_ERRORS as error:
        raise AwayError from error
    finally:
        await connection.close()


async def _apply(connection: _Connection) -> int:
    await connection.execute(statements()["make_migrations"])
    missing = _missing(await connection.fetch(statements()["migrated"]))
    for step in missing:
        async with connection.transaction():
            await connection.execute(step.sql)
            await connection.execute(statements()["add_migration"], step.version, step.checksum)
    return len(missing)


def _missing(applied: list[asyncpg.Record]) -> tuple[Migration, ...]:
    """Return migrations not applied yet; a database may be newer than this code, never different."""
    known = {row["version"]: row["checksum"] for row in applied}
    for step in migrations():
        if known.get(step.version, step.checksum) != step.checksum:
            raise MigrationError(f"migration {step.version} was applied in another form than its file has now")
    return tuple(step for step in migrations() if step.version not in known)


async def unsoundness(url: str) -> tuple[str, ...]:
    """Return why production must not start on this database: migrations behind, or durability switched off."""
    connection = await Address(url, "journal check").connect()
    try:
        found = [f"{row['name']} is off" for row in await connection.fetch(statements()["durability"])]
        if not await connection.fetchval(statements()["has_migrations"]):
            return (*found, "the journal's migrations were never applied")
        missing = _missing(await connection.fetch(statements()["migrated"]))
    except ENGINE_ERRORS as error:
        raise AwayError from error
    except MigrationError as error:
        return (*found, str(error))
    finally:
        await connection.close()
    return (*found, *(f"migration {step.version} is not applied" for step in missing))
