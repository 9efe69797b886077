"""Repair: REST writers, gRPC writers and plain DML do not know of one another's locks.

With a session each they would meet as DuckDB write conflicts, which BigQuery never shows for its own bookkeeping.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bqemulator import server
from bqemulator.grpc_api.write_servicer import BigQueryWriteHandler
from bqemulator.jobs import executor
from bqemulator.storage.engine import DuckDBEngine

from sandbox.bigquery import sessions
from sandbox.bigquery.patching import patch, wrap, wrap_everywhere

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_READS = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(?:SELECT|WITH|\()[^;]*;?\s*\Z", re.IGNORECASE | re.DOTALL)
_CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_JOBS = re.compile(r"/projects/[^/]+/(?:jobs|queries)\b")
_BAD_REQUEST, _SERVER_ERROR = 400, 500


def one_write_lock() -> None:
    """Let one writer in at a time, and make each request's change of tables and their metadata one transaction."""
    patch(DuckDBEngine, "write_lock", sessions.write_section)
    wrap_everywhere(executor.execute_query_job, _locked)
    wrap(BigQueryWriteHandler, "__init__", _share_lock)
    wrap(server, "create_app", _with_write_sections)


async def _locked(execute: Callable[..., Any], project_id: str, job_id: str, bq_sql: str, *args: Any, **kw: Any) -> Any:
    if _READS.match(bq_sql):
        return await execute(project_id, job_id, bq_sql, *args, **kw)
    async with sessions.writing():
        return await execute(project_id, job_id, bq_sql, *args, **kw)


def _share_lock(init: Callable[..., None], handler: Any, *args: Any, **kwargs: Any) -> None:
    init(handler, *args, **kwargs)
    handler._write_lock = sessions.WRITER  # noqa: SLF001


def _with_write_sections(create_app: Callable[..., Any], context: Any) -> Any:
    app = create_app(context)
    app.add_middleware(_WriteSections, context=context)
    return app


class _RefusedError(Exception):
    """Carries a refusal's end out of the write section, so that it is rolled back."""


class _WriteSections:
    """ASGI middleware: a request that changes metadata is one transaction, kept only when it is answered well."""

    def __init__(self, app: ASGIApp, context: Any) -> None:
        self._app, self._context = app, context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in _CHANGES or _JOBS.search(scope["path"]):
            await self._app(scope, receive, send)
            return
        answer = _Answer()
        try:
            async with sessions.write_section(self._context.engine):
                await self._app(scope, receive, answer.hold)
                answer.refuse_from(_BAD_REQUEST)
        except _RefusedError:
            if answer.status >= _SERVER_ERROR:
                forget_uncommitted(self._context.catalog)
        for message in answer.messages:
            await send(message)


class _Answer:
    """An answer held back until what it promises is committed."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def hold(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    def refuse_from(self, status: int) -> None:
        if self.status >= status:
            raise _RefusedError


def forget_uncommitted(catalog: Any) -> None:
    """Read the emulator's cache of tables back from storage after a rollback took away what it remembers."""
    catalog._cache._tables.clear()  # noqa: SLF001
    catalog._hydrate_tables()  # noqa: SLF001
