"""A switch, not a repair: scripts make way for readers between their statements.

The emulator runs a script in one go, so nobody could tell a script with a transaction from one without. With the
switch every statement waits until another request has come and gone, as readers do all the time in BigQuery.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from bqemulator import server
from bqemulator.scripting.interpreter import ScriptInterpreter

from sandbox.bigquery.patching import wrap

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

_LONGEST_WAIT_SECONDS = 0.1


def admit_readers() -> None:
    """Let a whole request of somebody else run after each statement, if one comes within a tenth of a second."""
    visitors = _Visitors()

    async def execute_then_wait(execute: Callable[..., Any], running: Any, statement: Any) -> None:
        await execute(running, statement)
        await visitors.wait()

    def count_visitors(create_app: Callable[..., Any], context: Any) -> Any:
        app = create_app(context)
        app.add_middleware(_CountVisitors, visitors=visitors)
        return app

    wrap(ScriptInterpreter, "_exec_statement", execute_then_wait)
    wrap(server, "create_app", count_visitors)


class _Visitors:
    """Counts requests as they arrive and remembers the latest arrival that has been answered."""

    def __init__(self) -> None:
        self._arrived = 0
        self._answered = 0
        self._changed = asyncio.Condition()

    def arrive(self) -> int:
        """Return the number of this visitor."""
        self._arrived += 1
        return self._arrived

    async def leave(self, number: int) -> None:
        """Note that the visitor was answered."""
        async with self._changed:
            self._answered = max(self._answered, number)
            self._changed.notify_all()

    async def wait(self) -> None:
        """Wait until somebody who arrives from now on has been answered, or nobody came."""
        latest = self._arrived
        try:
            async with asyncio.timeout(_LONGEST_WAIT_SECONDS), self._changed:
                await self._changed.wait_for(lambda: self._answered > latest)
        except TimeoutError:
            pass


class _CountVisitors:
    """ASGI middleware: announce each request and its answer."""

    def __init__(self, app: ASGIApp, visitors: _Visitors) -> None:
        self._app, self._visitors = app, visitors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        number = self._visitors.arrive()
        try:
            await self._app(scope, receive, send)
        finally:
            await self._visitors.leave(number)
