"""Rows on their way into a table: as many are kept as it takes to know the table, then a batch at a time goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from attrs import define, field

from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.fields import Contract, FieldError, Fields, Filled
from workers.model.page import Page
from workers.model.table import TableSchema
from workers.ports import Load, Written
from workers.processors.generic.targets import Target
from workers.processors.generic.unhurried import AT_ONCE

SAMPLE_ROWS = 1000

Rows = Sequence[Mapping[str, Any]]


@define
class _Open:
    """A table that is known, with the load that fills it."""

    table: TableSchema
    fields: Fields
    load: Load


@define
class Sink:
    """Takes pages in their order; the load it opens is left with `stack`."""

    target: Target
    stack: AsyncExitStack
    _open: _Open | None = None
    _kept: list[tuple[Page, Rows]] = field(factory=list)
    _kept_rows: int = 0

    async def begin(self) -> None:
        """Open the table when it is known without any row."""
        table = await self.target.known_table()
        if table is not None:
            await self._open_table(table)

    async def take(self, page: Page, rows: Rows) -> None:
        """Take the rows of a page as they are to be kept, one for each that came."""
        if self._open is not None:
            await self._write(self._open, page, rows)
            return
        if rows:  # a million parents may have no child between them
            self._kept.append((page, rows))
        self._kept_rows += len(rows)
        if self._kept_rows >= SAMPLE_ROWS:
            await self._open_sampled()

    async def publish(self) -> Written | None:
        """Publish all; None when there was no row to make a table of."""
        if self._open is None and self._kept_rows:
            await self._open_sampled()
        return await self._open.load.publish(complete=True) if self._open is not None else None

    async def _open_sampled(self) -> None:
        kept, self._kept = self._kept, []
        # A single page may have more rows than one can look through without holding up the event loop.
        table = await asyncio.to_thread(self.target.table_of, [row for _, rows in kept for row in rows])
        sink = await self._open_table(table)
        for page, rows in kept:
            await self._write(sink, page, rows)

    async def _open_table(self, table: TableSchema) -> _Open:
        fields = self.target.fields(table)
        await self.target.ctx.warehouse.ensure(table)
        load = await self.stack.enter_async_context(self.target.open(table))
        self._open = _Open(table, fields, load)
        return self._open

    async def _write(self, sink: _Open, page: Page, rows: Rows) -> None:
        ctx, size = self.target.ctx, min(self.target.declared.destination.batch_size, AT_ONCE)
        same = Filled(ctx.org, ctx.clock.now(), page.receipt.sha256)
        for start in range(0, len(rows), size):
            batch = list(rows[start : start + size])
            if sink.fields.contract is Contract.EVOLVE:
                await self._widen(sink, batch)
            try:
                fitted = sink.fields.rows(batch, same, page.rows[start : start + size])
            except FieldError as error:
                raise _unfit(page, page.before + start + error.index, error) from None
            await sink.load.write(fitted)

    async def _widen(self, sink: _Open, batch: list[Mapping[str, Any]]) -> None:
        """Give the table columns for fields that come up on the way."""
        names = dict.fromkeys(name for row in batch for name in sink.fields.unknown(row))
        if not names:
            return
        wider = self.target.widened(sink.table, batch, list(names))
        await self.target.ctx.warehouse.ensure(wider)
        await sink.load.widen(wider)
        sink.table, sink.fields = wider, self.target.fields(wider)
        added = ", ".join(column.name for column in wider.columns if column.name in names)
        await self.target.ctx.message(f"{wider.name} has new columns: {added}")


def _unfit(page: Page, index: int, error: FieldError) -> FailedError:
    where = f"{page.receipt.url}: row {index + 1} of page {page.receipt.number}"
    message = f"{where}: column {error.column} {error.why}"
    metadata = {"column": error.column, "row": str(index + 1), "page": str(page.receipt.number)}
    return FailedError(Failure(Code.FAILED_PRECONDITION, Reason.DATA_INVALID, message, metadata=metadata))
