"""One organisation's dataset on one step's authority. A `ports.Warehouse`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from attrs import field, frozen

from workers.adapters.bigquery.aim import Aim
from workers.adapters.bigquery.failures import step_errors
from workers.adapters.bigquery.loads import open_load
from workers.adapters.bigquery.names import sha256
from workers.adapters.bigquery.parameters import named
from workers.adapters.bigquery.promotion import Script, Source, Writer
from workers.adapters.bigquery.rendering import bind
from workers.adapters.bigquery.wiring import Wiring
from workers.model.table import TableSchema
from workers.model.window import DateWindow
from workers.ports import Answer, Authority, Load, Row, Written


@frozen
class BigQueryWarehouse:
    """Writes and reads one dataset for one attempt of one step."""

    _wiring: Wiring
    _authority: Authority
    _writer: Writer
    _appended: Counter[str] = field(factory=Counter, init=False)

    async def ensure(self, table: TableSchema) -> None:
        """Create the table or add its missing NULLABLE columns; the ledger that speaks of it is there then, too."""
        with step_errors(f"prepare {self._authority.dataset}.{table.name}"):
            await self._wiring.tables.ensure(self._authority.dataset, self._wiring.ledger)
            await self._wiring.tables.ensure(self._authority.dataset, table)

    def restate(
        self, table: TableSchema, window: DateWindow | None, scope: Row | None = None, *, allow_shrink: bool = False
    ) -> AbstractAsyncContextManager[Load]:
        """Replace days by rows that are written to the load."""
        aim = Aim(table, window, scope or {}, allow_shrink)

        async def publish(source: Source, complete: bool) -> Written:
            return await self._promote(aim, source, complete=complete)

        return open_load(self._wiring, self._authority, table, f"restate {aim.days} {aim.scope_text}", publish)

    def append(self, table: TableSchema) -> AbstractAsyncContextManager[Load]:
        """Add rows once. A step's n-th append to a table is taken for the n-th of an earlier attempt."""
        self._appended[table.name] += 1
        ordinal = self._appended[table.name]

        async def publish(source: Source, _complete: bool) -> Written:
            if not source.stages:
                return Written(0)
            now = self._wiring.clock.now()
            return await self._publish("append", table, lambda: self._writer.append(table, source, now, ordinal))

        return open_load(self._wiring, self._authority, table, f"append {ordinal}", publish)

    async def transform(
        self, table: TableSchema, window: DateWindow | None, sql: str, parameters: Row, scope: Row | None = None
    ) -> Written:
        """Replace days by what a SELECT gives: every declared column but the lineage columns, by name."""
        select = bind(sql, self._wiring.datasets(self._authority.dataset))
        content = sha256(select, *sorted((name, str(value)) for name, value in parameters.items()))
        source = Source(content, select=select, parameters=parameters)
        return await self._promote(Aim(table, window, scope or {}), source, complete=True)

    async def query(self, sql: str, parameters: Row) -> Answer:
        """Run a SELECT."""
        bound = bind(sql, self._wiring.datasets(self._authority.dataset))
        with step_errors(f"query {self._authority.dataset}"):
            done = await self._wiring.queries.run(self._wiring.query_name(), bound, named(parameters))
            return await self._wiring.queries.answer(done)

    async def _promote(self, aim: Aim, source: Source, *, complete: bool) -> Written:
        now = self._wiring.clock.now()
        return await self._publish(
            "promote", aim.table, lambda: self._writer.promote(aim, source, now, complete=complete)
        )

    async def _publish(self, kind: str, table: TableSchema, script: Callable[[], Script]) -> Written:
        dataset = self._authority.dataset
        with step_errors(f"publish {dataset}.{table.name}"):
            await self._wiring.tables.ensure(dataset, self._wiring.ledger)
            return await self._wiring.publisher.publish(kind, script(), self._authority)
