"""The platform's dataset as lists: rows that are written are kept, and the answers of queries are scripted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.table import TableSchema
from workers.ports import Answer, Row

T = TypeVar("T")
Script = Callable[[Mapping[str, Any]], Sequence[Row]]


class ListedCentral:
    """Keeps `workers.ports.CentralWarehouse`. `gate` holds queries back while it is cleared; `away` makes them fail."""

    def __init__(self, answers: Mapping[str, Script]) -> None:
        self._answers = answers
        self.tables: dict[str, list[Row]] = {}
        self.batches: set[tuple[str, str]] = set()
        self.queries: list[tuple[str, Row]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Semaphore(0)
        self.away = False

    async def query(self, sql: str, parameters: Row) -> Answer:
        """Answer by the script of this SQL text; a text without one is a KeyError."""
        self.queries.append((sql, parameters))
        self.asked.release()
        await self.gate.wait()
        if self.away:
            message = "BigQuery does not answer"
            raise FailedError(Failure(Code.UNAVAILABLE, Reason.WAREHOUSE_UNAVAILABLE, message, retryable=True))
        return Answer(tuple(self._answers[sql](parameters)))

    async def read(self, sql: str, parameters: Row, make: Callable[[Iterable[Row]], T]) -> T:
        """As `query`; the rows come one by one."""
        return make(iter((await self.query(sql, parameters)).rows))

    async def execute(self, script: str, parameters: Row) -> Answer:
        """As `query`."""
        return await self.query(script, parameters)

    async def ensure(self, table: TableSchema) -> None:
        self.tables.setdefault(table.name, [])

    async def append(self, table: TableSchema, rows: Sequence[Row], batch: str) -> None:
        if (table.name, batch) not in self.batches:
            self.batches.add((table.name, batch))
            self.tables.setdefault(table.name, []).extend(rows)

    async def merge(self, table: TableSchema, rows: Sequence[Row], keys: Sequence[str], batch: str) -> None:
        if (table.name, batch) in self.batches:
            return
        self.batches.add((table.name, batch))
        kept = {tuple(row[key] for key in keys): row for row in self.tables.get(table.name, [])}
        for row in rows:
            at = tuple(row[key] for key in keys)
            kept[at] = {**kept.get(at, {}), **row}
        self.tables[table.name] = list(kept.values())
