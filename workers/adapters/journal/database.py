"""A bounded pool of connections that runs named statements, each one transaction, and speaks in failures."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg
import structlog
from attrs import frozen

from workers.adapters.journal.errors import (
    ENGINE_ERRORS,
    AwayError,
    UnknownOutcomeError,
    failure_of,
    worth_another_try,
)
from workers.adapters.journal.statements import statements
from workers.model.failure import FailedError
from workers.ports import Failpoint

_Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
_log = structlog.get_logger(__name__)
_TRIES = 4
_PATIENCE = 5.0


def _no_failpoint(_name: str) -> None:
    """Do nothing."""


@frozen
class Address:
    """Where Postgres is, and how long a statement may take in seconds; `name` marks this process's connections."""

    url: str
    name: str
    command_timeout: float = 10.0

    @property
    def settings(self) -> dict[str, str]:
        """Return what every session sets."""
        return {
            "application_name": self.name,
            "statement_timeout": str(int(self.command_timeout * 1000)),
            "idle_in_transaction_session_timeout": "10000",
            "timezone": "UTC",
            "jit": "off",
            # Statistics of a queue are wrong the moment they are made; an index is never a bad answer here.
            "enable_seqscan": "off",
        }

    async def connect(self) -> asyncpg.Connection[asyncpg.Record]:
        """Return a connection outside every pool; raises AwayError."""
        try:
            return await asyncpg.connect(
                self.url, timeout=_PATIENCE, command_timeout=self.command_timeout, server_settings=self.settings
            )
        except ENGINE_ERRORS as error:
            raise AwayError from error


class Database:
    """Statements by name. Connections are made when first needed and kept; `roll` gives a number in [0, 1).

    Every statement passes the failpoints NAME.before_commit and NAME.after_commit, where a connection may be lost.
    """

    def __init__(
        self, address: Address, *, size: int, roll: Callable[[], float], failpoint: Failpoint = _no_failpoint
    ) -> None:
        self._address = address
        self._roll = roll
        self._failpoint = failpoint
        self._pool = asyncpg.create_pool(
            address.url,
            min_size=0,
            max_size=size,
            timeout=_PATIENCE,
            command_timeout=address.command_timeout,
            max_inactive_connection_lifetime=0,
            max_cached_statement_lifetime=0,
            reset=_keep_session,
            server_settings=address.settings,
        )

    async def open(self) -> None:
        """Make the pool; no connection yet."""
        await self._pool

    async def close(self) -> None:
        """Close every connection, by force when it does not go by itself."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    async def fetch(self, name: str, *arguments: Any) -> list[asyncpg.Record]:
        """Run one statement in a transaction of its own.

        Raises AwayError or RejectedError when nothing was written, UnknownOutcomeError when the answer was lost.
        """
        sql = statements()[name]
        for trial in range(1, _TRIES + 1):
            async with self._connection() as connection:
                pid = connection.get_server_pid()
                try:
                    self._failpoint(f"{name}.before_commit")
                    rows = await connection.fetch(sql, *arguments)
                    self._failpoint(f"{name}.after_commit")
                except ENGINE_ERRORS as error:
                    if not worth_another_try(error) or trial == _TRIES:
                        raise _failed(connection, name, failure_of(error, pid), error) from error
                else:
                    return rows
            await asyncio.sleep(self._roll() * 0.05 * trial)
        raise AwayError

    async def fetch_one(self, name: str, *arguments: Any) -> asyncpg.Record | None:
        """Return the first row."""
        rows = await self.fetch(name, *arguments)
        return rows[0] if rows else None

    async def fetch_value(self, name: str, *arguments: Any) -> Any:
        """Return the first column of the first row."""
        row = await self.fetch_one(name, *arguments)
        return row[0] if row else None

    async def settle(self, lost: UnknownOutcomeError) -> None:
        """Return when the backend that owes an answer is gone, so that a read tells what it did.

        Raises the lost answer itself when Postgres stays away.
        """
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._until_ended(lost.pid)
        except TimeoutError:
            raise lost from None

    async def _until_ended(self, pid: int) -> None:
        while True:
            with contextlib.suppress(AwayError, UnknownOutcomeError):
                await self.fetch("end_backend", pid, self._address.name)
                if await self.fetch_one("find_backend", pid, self._address.name) is None:
                    return
            await asyncio.sleep(0.05 + self._roll() * 0.1)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[_Connection]:
        try:
            connection = await self._pool.acquire(timeout=_PATIENCE)
        except ENGINE_ERRORS as error:
            _log.warning("journal away", error=type(error).__name__)
            raise AwayError from error
        try:
            yield connection
        finally:
            await self._pool.release(connection)


def _failed(connection: _Connection, name: str, failure: FailedError, error: BaseException) -> FailedError:
    _log.warning("journal statement failed", statement=name, error=type(error).__name__, detail=str(error))
    if isinstance(failure, UnknownOutcomeError):
        with contextlib.suppress(asyncpg.InterfaceError):  # it may have been closed under us already
            connection.terminate()
    return failure


async def _keep_session(_: Any) -> None:
    """Leave the session as it is: no statement here changes it, and asking costs a round trip."""
