"""How every report of Anthropic's gets into its table: days to read, one window after another, pages as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from attrs import evolve, field, frozen

from workers.model.counts import below_zero
from workers.model.money import total
from workers.model.page import Page
from workers.model.run import Progress
from workers.model.window import DateWindow
from workers.ports import Row, StepContext, Written
from workers.processors.anthropic.reports import refreshed_at
from workers.processors.buckets import Results, bad_answer
from workers.processors.days import days_to_read, tell_of_newer


class Report(Protocol):
    """One read of a window; `missing` are its days that did not come."""

    @property
    def missing(self) -> Sequence[date]:
        """Days of the window that were not in any page so far."""

    def pages(self) -> AsyncIterator[tuple[Page, list[tuple[date, Results]]]]:
        """Yield each page with its days and their results."""


class Extent(Protocol):
    """The part of a step's configuration that says where rows go and which days are read."""

    @property
    def table(self) -> str:
        """The table, by name."""

    @property
    def restate_days(self) -> int:
        """How many complete days the provider may still correct."""

    @property
    def loaded_days_sql(self) -> str:
        """The file that tells which days are loaded and final."""


@frozen
class Tally:
    """What has been read and written; `amount` is the sum of the rows' amounts where they have one."""

    progress: Progress = field(factory=Progress)
    windows: tuple[DateWindow, ...] = ()
    bytes_billed: int = 0
    superseded: int = 0
    below_zero: int = 0
    amount: Decimal = Decimal(0)
    missing: tuple[date, ...] = ()
    refreshed_at: datetime | None = None

    def read(self, page: Page, rows: Sequence[Row]) -> Tally:
        """Count a page; of the moments that the provider's data are of, the oldest stands for all."""
        before, seen = self.progress, [moment for moment in (self.refreshed_at, refreshed_at(page)) if moment]
        return evolve(
            self,
            progress=Progress(before.rows + len(rows), before.pages + 1, before.bytes + page.receipt.bytes),
            below_zero=self.below_zero + sum(map(below_zero, rows)),
            amount=total((self.amount, *(row.get("amount", 0) for row in rows))),
            refreshed_at=min(seen) if seen else None,
        )

    def wrote(self, written: Written, missing: Sequence[date]) -> Tally:
        """Count what was published, and the days that were missing of it."""
        billed, superseded = self.bytes_billed + written.bytes_billed, self.superseded + written.superseded
        return evolve(self, bytes_billed=billed, superseded=superseded, missing=(*self.missing, *missing))

    @property
    def output(self) -> dict[str, Any]:
        """What the step reports."""
        days = [day.isoformat() for window in self.windows for day in window]
        return {
            "days": len(days),
            "first_day": days[0] if days else None,
            "last_day": days[-1] if days else None,
            "pages": self.progress.pages,
            "rows_below_zero": self.below_zero,
            "missing_days": len(self.missing),
            "superseded_days": self.superseded,
            "bytes_billed": self.bytes_billed,
            "data_refreshed_at": self.refreshed_at.isoformat() if self.refreshed_at else None,
        }


@frozen
class Restating:
    """`read` opens a report of a window; `rows` maps one day's results, and raises ValueError saying what is wrong."""

    ctx: StepContext
    extent: Extent
    read: Callable[[DateWindow], Report]
    rows: Callable[[Page, Results], Iterable[Row]]

    async def run(self) -> Tally:
        """Restate the days of the run; a day that did not come is not one without usage, and keeps its rows."""
        ctx, extent = self.ctx, self.extent
        await ctx.warehouse.ensure(ctx.schemas.table(extent.table))
        windows = await days_to_read(ctx, extent.table, extent.restate_days, extent.loaded_days_sql)
        tally = Tally(windows=windows)
        for window in windows:
            tally = await self._restate(window, tally)
        if tally.below_zero:
            await ctx.message(f"{tally.below_zero} rows count less than nothing and were kept as they came")
        if tally.missing:
            await ctx.message(f"days without a bucket: {', '.join(day.isoformat() for day in tally.missing)}")
        await tell_of_newer(ctx, tally.superseded)
        return tally

    async def _restate(self, window: DateWindow, tally: Tally) -> Tally:
        ctx, report = self.ctx, self.read(window)
        table = ctx.schemas.table(self.extent.table)
        async with ctx.warehouse.restate(table, window, allow_shrink=ctx.force_refresh) as load:
            async for page, days in report.pages():
                rows = [row for day, results in days for row in self._day(page, day, results)]
                await load.write(rows)
                tally = tally.read(page, rows)
                await ctx.progress(tally.progress)
            return tally.wrote(await load.publish(complete=not report.missing), report.missing)

    def _day(self, page: Page, day: date, results: Results) -> list[Row]:
        try:
            rows = list(self.rows(page, results))
        except ValueError as error:
            raise bad_answer(page, f"{day}: {error}") from None
        fixed = {"org_slug": self.ctx.org, "usage_date": day, "source_hash": page.receipt.sha256}
        return [{**row, **fixed} for row in rows]
