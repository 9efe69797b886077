"""One organisation's dataset on one step's authority. A `ports.Warehouse`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from attrs import evolve, field, frozen

from workers.adapters.bigquery.aim import Aim
from workers.adapters.bigquery.auditing import NO_AUDIT, Audit, Auditor
from workers.adapters.bigquery.calling import calling
from workers.adapters.bigquery.failures import step_errors
from workers.adapters.bigquery.load import Publish
from workers.adapters.bigquery.loads import open_load
from workers.adapters.bigquery.names import sha256
from workers.adapters.bigquery.parameters import named
from workers.adapters.bigquery.promotion import Making, Piece, Script, Writer
from workers.adapters.bigquery.publishing import Published
from workers.adapters.bigquery.rendering import bind, parts
from workers.adapters.bigquery.sources import Source
from workers.adapters.bigquery.trouble import TroubleError
from workers.adapters.bigquery.wiring import Wiring
from workers.model.failure import Code, FailedError, Reason, refused
from workers.model.table import TableSchema
from workers.model.window import DateWindow
from workers.ports import Answer, Authority, Called, Load, Publication, Row, Written


@frozen
class BigQueryWarehouse:
    """Writes and reads one dataset for one attempt of one step."""

    _wiring: Wiring
    _authority: Authority
    _writer: Writer
    _auditor: Auditor
    _appended: Counter[str] = field(factory=Counter, init=False)

    async def ensure(self, table: TableSchema) -> None:
        """Create the table or add its missing NULLABLE columns; the ledger that speaks of it is there then, too."""
        with step_errors(f"prepare {self._authority.dataset}.{table.name}"):
            await self._wiring.tables.ensure(self._authority.dataset, self._wiring.ledger)
            await self._wiring.tables.ensure(self._authority.dataset, table)

    async def describe(self, name: str) -> TableSchema | None:
        """Return the table as it is now."""
        with step_errors(f"look at {self._authority.dataset}.{name}"):
            return await self._wiring.tables.describe(self._authority.dataset, name)

    def restate(
        self,
        table: TableSchema,
        window: DateWindow | None,
        scope: Row | None = None,
        *,
        allow_shrink: bool = False,
        keys: Sequence[str] = (),
    ) -> AbstractAsyncContextManager[Load]:
        """Replace days by rows that are written to the load."""
        aim = Aim(table, window, scope or {}, allow_shrink)

        async def publish(now: TableSchema, source: Source, complete: bool) -> Written:
            return await self._promote(evolve(aim, table=now), source, complete=complete)

        return self._load(table, f"restate {aim.days} {aim.scope_text}", publish, keys)

    def append(self, table: TableSchema, *, keys: Sequence[str] = ()) -> AbstractAsyncContextManager[Load]:
        """Add rows once. A step's n-th append to a table is taken for the n-th of an earlier attempt."""
        ordinal = self._ordinal(table)

        async def publish(now: TableSchema, source: Source, _complete: bool) -> Written:
            expecting = source.stages or self._auditor.of(now, "dp_source") != NO_AUDIT
            return await self._append(now, source, ordinal) if expecting else Written(0)

        return self._load(table, f"append {ordinal}", publish, keys)

    def merge(self, table: TableSchema, keys: Sequence[str], whose: str) -> AbstractAsyncContextManager[Load]:
        """Insert or update rows that are written to the load."""

        async def publish(now: TableSchema, source: Source, _complete: bool) -> Written:
            expecting = source.stages or self._auditor.of(now, "dp_source") != NO_AUDIT
            return await self._merge(now, keys, whose, source) if expecting else Written(0)

        return self._load(table, f"merge {whose}", publish, keys)

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
        """Replace days by what a SELECT gives: every declared column but the lineage columns, by name."""
        aim = Aim(table, window, scope or {}, allow_shrink)
        return await self._promote(aim, self._selected(sql, parameters), complete=True, most_bytes=most_bytes)

    async def append_query(self, table: TableSchema, sql: str, parameters: Row) -> Written:
        """Add what a SELECT gives, once."""
        return await self._append(table, self._selected(sql, parameters), self._ordinal(table))

    async def merge_query(
        self, table: TableSchema, keys: Sequence[str], whose: str, sql: str, parameters: Row
    ) -> Written:
        """Insert or update what a SELECT gives."""
        return await self._merge(table, keys, whose, self._selected(sql, parameters))

    async def query(self, sql: str, parameters: Row) -> Answer:
        """Run a SELECT."""
        bound = bind(sql, self._wiring.datasets(self._authority.dataset))
        with step_errors(f"query {self._authority.dataset}"):
            done = await self._wiring.queries.run(self._wiring.query_name(), bound, named(parameters))
            return await self._wiring.queries.answer(done)

    async def call(
        self, procedure: str, arguments: Row, publications: Sequence[Publication] = (), told: str = ""
    ) -> Called:
        """Call a stored procedure, and publish all that it made in one transaction, fenced like a load."""
        dataset, central = self._authority.dataset, self._wiring.path(self._wiring.central)
        with step_errors(f"call {procedure}"):
            routine = await self._wiring.routines.find(procedure)
            if routine is None or not routine.sha256:
                raise _unsynced(procedure, self._wiring.central)
            clauses = parts(self._wiring.sql["parts"])
            making = calling(clauses, central, dataset, routine, arguments, told)
            if not publications:
                done = await self._wiring.queries.run(self._wiring.query_name(), making.sql, making.parameters)
                answer = await self._wiring.queries.answer(done)
                return Called(answer.rows, str(done.job.job_id), Written(0, answer.bytes_billed))
            await self._wiring.tables.ensure(dataset, self._wiring.ledger)
            pieces = self._pieces(publications, making)
            script = self._writer.publish(pieces, self._wiring.clock.now(), making)
            published = await self._audited("call", script, [piece.audit for piece in pieces])
        return Called(published.rows, published.job_id, published.written)

    def _load(
        self, table: TableSchema, purpose: str, publish: Publish, keys: Sequence[str]
    ) -> AbstractAsyncContextManager[Load]:
        return open_load(self._wiring, self._authority, table, purpose, publish, keys)

    def _ordinal(self, table: TableSchema) -> int:
        self._appended[table.name] += 1
        return self._appended[table.name]

    def _selected(self, sql: str, parameters: Row) -> Source:
        select = bind(sql, self._wiring.datasets(self._authority.dataset))
        content = sha256(select, *sorted((name, str(value)) for name, value in parameters.items()))
        return Source(content, select=select, parameters=parameters)

    async def _append(self, table: TableSchema, source: Source, ordinal: int) -> Written:
        now, audit = self._wiring.clock.now(), self._auditor.of(table, "dp_source")
        script = self._writer.append(table, source, now, ordinal, audit)
        return await self._publish("append", table, script, audit)

    async def _merge(self, table: TableSchema, keys: Sequence[str], whose: str, source: Source) -> Written:
        now, audit = self._wiring.clock.now(), self._auditor.of(table, "dp_source")
        script = self._writer.upsert(table, keys, whose, source, now, audit)
        return await self._publish("merge", table, script, audit)

    async def _promote(self, aim: Aim, source: Source, *, complete: bool, most_bytes: int | None = None) -> Written:
        now, audit = self._wiring.clock.now(), self._auditor.of(aim.table, "dp_source_0")
        script = self._writer.promote(aim, source, now, complete=complete, audit=audit)
        return await self._publish("promote", aim.table, evolve(script, most_bytes=most_bytes), audit)

    async def _publish(self, kind: str, table: TableSchema, script: Script, audit: Audit) -> Written:
        dataset = self._authority.dataset
        with step_errors(f"publish {dataset}.{table.name}"):
            await self._wiring.tables.ensure(dataset, self._wiring.ledger)
            published = await self._audited(kind, script, (audit,))
            return published.written

    async def _audited(self, kind: str, script: Script, audits: Sequence[Audit]) -> Published:
        try:
            published = await self._wiring.publisher.publish(kind, script, self._authority)
        except TroubleError as trouble:
            await self._auditor.refuse(audits, trouble)
            raise
        await self._auditor.hear(audits, published.counts)
        return published

    def _pieces(self, publications: Sequence[Publication], making: Making) -> tuple[Piece, ...]:
        source = Source(sha256(making.sql, *(parameter.to_api_repr() for parameter in making.parameters)))
        return tuple(
            Piece(
                Aim(one.table, one.window, one.scope, one.allow_shrink),
                evolve(source, made=one.made),
                audit=self._auditor.of(one.table, f"dp_source_{number}", number),
            )
            for number, one in enumerate(publications)
        )


def _unsynced(procedure: str, central: str) -> FailedError:
    """Build the error; what no sync has written was not checked, and may write anything."""
    message = f"no sync has written procedure {procedure} to {central}, or somebody has replaced it since; sync it"
    return refused(Code.FAILED_PRECONDITION, Reason.PROCEDURE_NOT_FOUND, message)
