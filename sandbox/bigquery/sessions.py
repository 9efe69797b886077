"""A DuckDB session per request and one write lock for all of them.

Given the engine of the emulator; hands on the cursor of the running request (or thread) and write sections.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_cursor: ContextVar[duckdb.DuckDBPyConnection | None] = ContextVar("cursor", default=None)
_holds_write_lock: ContextVar[bool] = ContextVar("holds_write_lock", default=False)
_thread = threading.local()
# Requests live on the event loop, gRPC handlers in threads: the loop's writers queue on the first lock and only the
# one at its head competes with the threads for the second.
_turn = asyncio.Lock()
WRITER = threading.Lock()
_POLL_SECONDS = 0.001


@contextlib.contextmanager
def session(root: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Give the running request a cursor of its own; a transaction it leaves open is rolled back."""
    cursor = root.cursor()
    token = _cursor.set(cursor)
    try:
        yield
    finally:
        _cursor.reset(token)
        rollback(cursor)
        cursor.close()


def current(root: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Return the cursor of the running request, else that of this thread."""
    if (cursor := _cursor.get()) is not None:
        return cursor
    if threading.current_thread() is threading.main_thread():
        return root
    if getattr(_thread, "root", None) is not root:
        _thread.root, _thread.cursor = root, root.cursor()
    mine: duckdb.DuckDBPyConnection = _thread.cursor
    return mine


def rollback(cursor: duckdb.DuckDBPyConnection) -> None:
    """Abandon the open transaction, if there is one."""
    with contextlib.suppress(duckdb.TransactionException):
        cursor.execute("ROLLBACK")


@contextlib.asynccontextmanager
async def writing() -> AsyncIterator[bool]:
    """Hold the write lock until the block ends; entered again by its holder it does nothing.

    Yields whether this entry took the lock.
    """
    if _holds_write_lock.get():
        yield False
        return
    async with _turn:
        while not WRITER.acquire(blocking=False):  # noqa: ASYNC110  held by a thread, which sets no event
            await asyncio.sleep(_POLL_SECONDS)
        token = _holds_write_lock.set(True)
        try:
            yield True
        finally:
            _holds_write_lock.reset(token)
            WRITER.release()


@contextlib.asynccontextmanager
async def write_section(engine: Any) -> AsyncIterator[None]:
    """Hold the write lock and run the block as one transaction: all of it is kept, or nothing."""
    async with writing() as outermost:
        if not outermost:
            yield
            return
        cursor: duckdb.DuckDBPyConnection = engine.connection
        cursor.execute("BEGIN TRANSACTION")
        try:
            yield
            cursor.execute("COMMIT")
        except BaseException:
            rollback(cursor)
            raise
