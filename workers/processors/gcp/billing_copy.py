"""The days of one export on their way into one table, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import define, field

from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.run import Progress
from workers.model.table import TableSchema, identifier
from workers.model.window import DateWindow
from workers.ports import Load, Question, Source, StepContext, Written
from workers.processors.gcp.billing_declared import BillingDeclared
from workers.processors.gcp.export_days import Days, Span, caught_up, changed, days_of, in_view, reach, spans
from workers.processors.gcp.export_sql import ExportSql, all_rows


@define
class BillingCopy:
    """Looks, checks and copies; `left_bytes` is what may still be billed for reading."""

    config: BillingDeclared
    ctx: StepContext
    source: Source
    table: TableSchema
    exports: Sequence[ExportSql]
    left_bytes: int
    accounts: tuple[str, ...] = ()
    progress: Progress = field(factory=Progress)
    billed_bytes: int = 0
    written: int = 0
    superseded: int = 0

    async def look(self) -> tuple[Days, list[Span]]:
        """Return what is exported of the days in reach, and which of them are to be read."""
        today, window = self.ctx.clock.now().date(), self.ctx.window
        near = reach(window, self.config.look_back_days, today)
        kept = await self._kept(in_view(near, window, today))
        near = caught_up(near, window, kept, today)
        answers = [await self.source.rows(self._question(export, export.days, near)) for export in self.exports]
        for answer in answers:
            self._billed(answer.bytes_billed)
        exported = days_of(*(answer.rows for answer in answers))
        again = sorted(exported) if self.ctx.force_refresh else changed(exported, kept)
        return exported, spans(again, exported, self.config.rows_at_once)

    async def check(self, again: Sequence[Span]) -> None:
        """Refuse what would bill more than the step may, before anything of it is read."""
        asked = [self._rows_of(export, span.window) for span in again for export in self.exports]
        needed = sum([await self.source.estimate(question) for question in asked])
        if needed > self.left_bytes:
            days = sum(len(span.window) for span in again)
            message = (
                f"reading {days} days of the export would bill {needed:,} bytes, and {self.left_bytes:,} are left of "
                f"the {self.config.most_gib:,} GiB a step may bill; run it for fewer days, or raise most_gib"
            )
            raise FailedError(Failure(Code.RESOURCE_EXHAUSTED, Reason.WAREHOUSE_QUOTA, message))

    async def copy(self, span: Span) -> None:
        """Put the days of a span in place of what is kept of them."""
        written = await (self._within(span) if self.config.granted else self._across(span))
        self.written += written.rows
        self.superseded += written.superseded

    async def _across(self, span: Span) -> Written:
        """Bring the rows from one project to another, page by page."""
        allowed = self.ctx.force_refresh
        async with self.ctx.warehouse.restate(self.table, span.window, allow_shrink=allowed) as load:
            for export in self.exports:
                await self._read(self._rows_of(export, span.window), load)
            return await load.publish()

    async def _within(self, span: Span) -> Written:
        """Let BigQuery move the rows, in one job that reads the exports and stages them."""
        sql, asked = all_rows(self.exports, self.table), self._asked(span.window)
        written = await self.ctx.warehouse.transform(
            self.table, span.window, sql, asked, allow_shrink=self.ctx.force_refresh, most_bytes=self.left_bytes
        )
        self._billed(written.bytes_billed)
        self.progress = Progress(self.progress.rows + written.rows, self.progress.pages, self.progress.bytes)
        await self.ctx.progress(self.progress)
        return written

    async def _read(self, question: Question, load: Load) -> None:
        answer = await self.source.ask(question)
        self._billed(answer.bytes_billed)
        async for batch in answer.batches():
            await load.write_batch(batch)
            done = self.progress
            self.progress = Progress(done.rows + batch.num_rows, done.pages + 1, done.bytes + batch.nbytes)
            await self.ctx.progress(self.progress)

    async def _kept(self, days: DateWindow) -> Days:
        asked = {"first_day": days.first, "last_day": days.last}
        sql = self.ctx.schemas.sql(self.config.published_sql).replace("{table}", identifier(self.table.name))
        answer = await self.ctx.warehouse.query(sql, asked)
        return days_of(answer.rows)

    def _rows_of(self, export: ExportSql, days: DateWindow) -> Question:
        try:
            return self._question(export, export.rows(self.table), days)
        except ValueError as error:
            raise FailedError(Failure(Code.FAILED_PRECONDITION, Reason.CONFIG_INVALID, str(error))) from None

    def _question(self, export: ExportSql, sql: str, days: DateWindow) -> Question:
        return Question(sql, self._asked(days), export.found.location, self.left_bytes)

    def _asked(self, days: DateWindow) -> Mapping[str, Any]:
        accounts = {"billing_accounts": list(self.accounts)} if self.config.granted else {}
        return {"first_day": days.first, "last_day": days.last, **accounts}

    def _billed(self, billed: int) -> None:
        self.billed_bytes += billed
        self.left_bytes = max(1, self.left_bytes - billed)  # a job without any is one without a bound

    def output(self, again: Sequence[Span]) -> Mapping[str, Any]:
        """Return what the step reports."""
        return {
            "table": self.table.name,
            "exports": [str(export.path) for export in self.exports],
            "days_read": sum(len(span.window) for span in again),
            "first_day": again[0].window.first.isoformat() if again else None,
            "last_day": again[-1].window.last.isoformat() if again else None,
            "rows_read": self.progress.rows,
            "rows_written": self.written,
            "superseded_days": self.superseded,
            "bytes_billed": self.billed_bytes,
        }
