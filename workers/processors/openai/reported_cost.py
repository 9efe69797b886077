"""Reads what OpenAI itself reports as an organisation's cost into openai_provider_cost_daily."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from attrs import evolve, field, frozen
from attrs.validators import and_, ge, le

from workers.model.counts import inside, text_of
from workers.model.money import exact, stored, total
from workers.model.page import Page
from workers.model.run import Progress
from workers.model.window import DateWindow
from workers.ports import Row, StepContext, StepResult
from workers.processors.buckets import bad_answer
from workers.processors.days import LOADED_DAYS, days_to_read, tell_of_newer
from workers.processors.openai.buckets import daily_read

GROUP_BY = ("project_id", "line_item")


@frozen
class ReportedCostConfig:
    """As for openai.usage; the costs endpoint gives up to 180 days a request."""

    table: str = "openai_provider_cost_daily"
    restate_days: int = field(default=3, validator=and_(ge(0), le(92)))
    buckets_per_page: int = field(default=31, validator=and_(ge(1), le(180)))
    loaded_days_sql: str = LOADED_DAYS


@frozen
class _Tally:
    progress: Progress = field(factory=Progress)
    total: Decimal = Decimal(0)
    missing: int = 0
    bytes_billed: int = 0
    superseded: int = 0

    def read(self, page: Page, rows: Sequence[Row]) -> _Tally:
        before = self.progress
        pages, size = page.counted
        after = Progress(before.rows + len(rows), before.pages + pages, before.bytes + size)
        return evolve(self, progress=after, total=total((self.total, *(row["amount"] for row in rows))))


class OpenAiReportedCost:
    """Engine of `openai.reported_cost`."""

    Config = ReportedCostConfig

    async def execute(self, config: ReportedCostConfig, ctx: StepContext) -> StepResult:
        """Restate the days of the run from the organisation's costs; a day without a bucket keeps its rows."""
        table = ctx.schemas.table(config.table)
        await ctx.warehouse.ensure(table)
        tally = _Tally()
        for window in await days_to_read(ctx, config.table, config.restate_days, config.loaded_days_sql):
            tally = await self._restate(config, ctx, window, tally)
        await tell_of_newer(ctx, tally.superseded)
        output = {
            "pages": tally.progress.pages,
            "reported_total": f"{tally.total:f}",
            "missing_days": tally.missing,
            "superseded_days": tally.superseded,
            "bytes_billed": tally.bytes_billed,
        }
        return StepResult(tally.progress.rows, tally.progress.bytes, output)

    async def _restate(self, config: ReportedCostConfig, ctx: StepContext, window: DateWindow, tally: _Tally) -> _Tally:
        read = daily_read(ctx, "/organization/costs", GROUP_BY, window, config.buckets_per_page)
        table = ctx.schemas.table(config.table)
        async with ctx.warehouse.restate(table, window, allow_shrink=ctx.force_refresh) as load:
            async for page, days in read.pages():
                rows = [row for day, results in days for row in self._rows(ctx, page, day, results)]
                await load.write(rows)
                tally = tally.read(page, rows)
                await ctx.progress(tally.progress)
            written = await load.publish(complete=not read.missing)
        return evolve(
            tally,
            bytes_billed=tally.bytes_billed + written.bytes_billed,
            superseded=tally.superseded + written.superseded,
            missing=tally.missing + len(read.missing),
        )

    def _rows(
        self, ctx: StepContext, page: Page, day: date, results: list[Mapping[str, Any]]
    ) -> Iterator[Mapping[str, Any]]:
        sums: dict[tuple[str | None, str | None, str], Decimal] = defaultdict(Decimal)
        for result in results:
            try:
                amount = inside(result, "amount")
                if "value" not in amount:
                    continue  # the specification lets a result come without an amount
                value, project, item = (
                    exact(amount["value"]),
                    text_of(result, "project_id"),
                    text_of(result, "line_item"),
                )
                key = (project, item, (text_of(amount, "currency") or "usd").upper())
            except ValueError as error:
                raise bad_answer(page, f"{day}: {error}") from None
            sums[key] = total((sums[key], value))
        for (project, item, currency), value in sums.items():
            yield {
                "org_slug": ctx.org,
                "usage_date": day,
                "project_id": project,
                "line_item": item,
                "amount": stored(value),
                "currency": currency,
                "reported_at": ctx.clock.now(),
                "source_hash": page.receipt.sha256,
            }


def get_engine() -> OpenAiReportedCost:
    """Return the engine of `openai.reported_cost`."""
    return OpenAiReportedCost()
