"""Repair: one DuckDB connection is shared by everybody.

A gRPC append and a REST query deadlock on it, a row listing returns the rows of another request's query, and a
reader sees what an open transaction of somebody else has not committed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bqemulator import server
from bqemulator.storage.engine import DuckDBEngine

from sandbox.bigquery import sessions
from sandbox.bigquery.patching import patch, wrap

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send


def request_cursors() -> None:
    """Give every request and every gRPC thread a cursor; its transaction ends with the request."""
    patch(DuckDBEngine, "connection", property(_connection))
    patch(DuckDBEngine, "_apply_session_pragmas", _set_time_zone_of_every_cursor)
    wrap(server, "create_app", _with_sessions)


def _connection(engine: Any) -> Any:
    return sessions.current(engine._connection)  # noqa: SLF001  the emulator offers no other way to its root


def _set_time_zone_of_every_cursor(engine: Any) -> None:
    engine.connection.execute("SET GLOBAL TimeZone = 'UTC'")


def _with_sessions(create_app: Callable[..., Any], context: Any) -> Any:
    app = create_app(context)
    app.add_middleware(_Sessions, engine=context.engine)
    return app


class _Sessions:
    """ASGI middleware: one session per HTTP request."""

    def __init__(self, app: ASGIApp, engine: Any) -> None:
        self._app, self._engine = app, engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with sessions.session(self._engine._connection):  # noqa: SLF001
            await self._app(scope, receive, send)
