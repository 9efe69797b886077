"""Reads what OpenAI itself reports as an organisation's cost into openai_provider_cost_daily."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from attrs import frozen

from workers.model.money import exact, stored
from workers.model.page import Page
from workers.model.run import Progress
from workers.ports import StepContext, StepResult
from workers.processors.openai.buckets import bad_answer, bucket_days, daily
from workers.processors.openai.days import days_to_read

GROUP_BY = ("project_id", "line_item")


@frozen
class ReportedCostConfig:
    """As for openai.usage; the costs endpoint gives up to 180 days a request."""

    table: str = "openai_provider_cost_daily"
    restate_days: int = 3
    buckets_per_page: int = 31


class OpenAiReportedCost:
    """Engine of `openai.reported_cost`."""

    Config = ReportedCostConfig

    async def execute(self, config: ReportedCostConfig, ctx: StepContext) -> StepResult:
        """Restate the days of the run from the organisation's costs."""
        table = ctx.schemas.table(config.table)
        await ctx.warehouse.ensure(table)
        progress, billed, total = Progress(), 0, Decimal(0)
        for window in await days_to_read(ctx, config.table, config.restate_days):
            read = daily(ctx, "/organization/costs", GROUP_BY, window, config.buckets_per_page)
            async with ctx.warehouse.restate(table, window, allow_shrink=ctx.force_refresh) as load:
                async for page, days in bucket_days(ctx, read, window):
                    rows = [row for day, results in days for row in self._rows(ctx, page, day, results)]
                    await load.write(rows)
                    total += sum((row["amount"] for row in rows), Decimal(0))
                    progress = _further(progress, page, len(rows))
                    await ctx.progress(progress)
                billed += (await load.publish(complete=True)).bytes_billed
        output = {"pages": progress.pages, "reported_total": f"{total:f}", "bytes_billed": billed}
        return StepResult(progress.rows, progress.bytes, output)

    def _rows(
        self, ctx: StepContext, page: Page, day: date, results: list[Mapping[str, Any]]
    ) -> Iterator[Mapping[str, Any]]:
        sums: dict[tuple[str | None, str | None, str], Decimal] = defaultdict(Decimal)
        for result in results:
            amount = result.get("amount")
            if not isinstance(amount, dict) or "value" not in amount:
                continue  # the specification lets a result come without an amount
            try:
                value = exact(amount["value"])
            except ValueError as error:
                raise bad_answer(page, f"{day}: {error}") from None
            key = (result.get("project_id"), result.get("line_item"), str(amount.get("currency", "usd")).upper())
            sums[key] += value
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


def _further(progress: Progress, page: Page, rows: int) -> Progress:
    return Progress(progress.rows + rows, progress.pages + 1, progress.bytes + page.receipt.bytes)


def get_engine() -> OpenAiReportedCost:
    """Return the engine of `openai.reported_cost`."""
    return OpenAiReportedCost()
