"""One organisation's dataset as lists: what is published is kept, and queries are answered by a script."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from attrs import define, field, frozen

from workers.model.table import TableSchema
from workers.model.window import DateWindow
from workers.ports import Answer, Batch, Load, Reached, Row, Written


@frozen
class Publication:
    """What was published where."""

    table: str
    window: DateWindow | None
    scope: Row | None
    rows: Sequence[Row]
    complete: bool
    allow_shrink: bool
    manner: str = "restate"
    keys: tuple[str, ...] = ()
    reached: Reached | None = None


Check = Callable[[TableSchema, Sequence[Row]], object]


@define
class _ListedLoad:
    superseded: int
    table: TableSchema
    check: Check
    rows: list[Row] = field(factory=list)
    complete: bool | None = None
    reached: Reached | None = None

    async def write(self, rows: Sequence[Row]) -> None:
        self.check(self.table, rows)
        self.rows += rows

    async def write_batch(self, batch: Batch) -> None:
        found: Any = batch
        self.rows += found.to_pylist()

    async def widen(self, table: TableSchema) -> None:
        self.table = table

    async def publish(self, *, complete: bool = True, reached: Reached | None = None) -> Written:
        self.complete, self.reached = complete, reached
        return Written(len(self.rows), bytes_billed=10, superseded=self.superseded)


@define(eq=False)
class ListedWarehouse:
    """Keeps `workers.ports.Warehouse`; nothing is published by a load that is left without `publish`.

    Every load is told that so many days are `superseded`; `check` may refuse rows that are written to one.
    """

    answer: Callable[[str, Mapping[str, object]], Sequence[Row]] = lambda _sql, _parameters: ()
    ensured: list[str] = field(factory=list)
    tables: dict[str, TableSchema] = field(factory=dict)
    published: list[Publication] = field(factory=list)
    superseded: int = 0
    check: Check = lambda _table, _rows: None

    async def ensure(self, table: TableSchema) -> None:
        self.ensured.append(table.name)
        self.tables[table.name] = table

    async def describe(self, name: str) -> TableSchema | None:
        return self.tables.get(name)

    def restate(
        self,
        table: TableSchema,
        window: DateWindow | None,
        scope: Row | None = None,
        *,
        allow_shrink: bool = False,
        keys: Sequence[str] = (),
    ) -> AbstractAsyncContextManager[Load]:
        return self._load(table, "restate", keys, window=window, scope=scope, allow_shrink=allow_shrink)

    def append(self, table: TableSchema, *, keys: Sequence[str] = ()) -> AbstractAsyncContextManager[Load]:
        return self._load(table, "append", keys)

    def merge(self, table: TableSchema, keys: Sequence[str], whose: str) -> AbstractAsyncContextManager[Load]:
        return self._load(table, f"merge {whose}", keys)

    @asynccontextmanager
    async def _load(
        self,
        table: TableSchema,
        manner: str,
        keys: Sequence[str],
        *,
        window: DateWindow | None = None,
        scope: Row | None = None,
        allow_shrink: bool = False,
    ) -> AsyncIterator[Load]:
        load = _ListedLoad(self.superseded, table, self.check)
        yield load
        if load.complete is not None:
            self.published.append(
                Publication(
                    table.name,
                    window,
                    scope,
                    load.rows,
                    load.complete,
                    allow_shrink=allow_shrink,
                    manner=manner,
                    keys=tuple(keys),
                    reached=load.reached,
                )
            )

    async def transform(
        self,
        table: TableSchema,
        window: DateWindow | None,
        sql: str,
        parameters: Row,
        scope: Row | None = None,
        *,
        allow_shrink: bool = False,
        most_bytes: int | None = None,
    ) -> Written:
        asked = parameters if most_bytes is None else {**parameters, "most_bytes": most_bytes}
        return self._selected(table, "transform", sql, asked, window=window, scope=scope, allow_shrink=allow_shrink)

    async def append_query(self, table: TableSchema, sql: str, parameters: Row) -> Written:
        return self._selected(table, "append", sql, parameters)

    async def merge_query(
        self, table: TableSchema, keys: Sequence[str], whose: str, sql: str, parameters: Row
    ) -> Written:
        return self._selected(table, f"merge {whose}", sql, parameters, keys=keys)

    def _selected(
        self,
        table: TableSchema,
        manner: str,
        sql: str,
        parameters: Row,
        *,
        keys: Sequence[str] = (),
        window: DateWindow | None = None,
        scope: Row | None = None,
        allow_shrink: bool = False,
    ) -> Written:
        rows = [{"sql": sql, **parameters}]
        self.published.append(
            Publication(
                table.name,
                window,
                scope,
                rows,
                complete=True,
                allow_shrink=allow_shrink,
                manner=manner,
                keys=tuple(keys),
            )
        )
        return Written(len(rows), bytes_billed=10, superseded=self.superseded)

    async def query(self, sql: str, parameters: Row) -> Answer:
        return Answer(tuple(self.answer(sql, parameters)), bytes_billed=5)
