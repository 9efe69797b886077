"""Computes openai_cost_daily in the warehouse from the usage table and the dated price book."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from attrs import frozen

from workers.model.window import DateWindow
from workers.ports import StepContext, StepResult
from workers.processors.openai.days import tell_of_newer


@frozen
class CostConfig:
    """`days_from` names an earlier step whose days are priced too; the SQL files stand below configs/."""

    table: str = "openai_cost_daily"
    usage_table: str = "openai_usage_daily_raw"
    sql: str = "openai/cost/sql/openai_cost_daily.sql"
    summary_sql: str = "openai/cost/sql/openai_cost_summary.sql"
    days_from: str = ""


class OpenAiCost:
    """Engine of `openai.cost`."""

    Config = CostConfig

    async def execute(self, config: CostConfig, ctx: StepContext) -> StepResult:
        """Restate the days' cost; rows without a price are counted in the output, never priced at zero."""
        for name in (config.usage_table, config.table):
            await ctx.warehouse.ensure(ctx.schemas.table(name))
        window = _window(config, ctx)
        days = {"first_day": window.first, "last_day": window.last}
        values = days | {"org_slug": ctx.org, "calculated_at": ctx.clock.now()}
        table = ctx.schemas.table(config.table)
        written = await ctx.warehouse.transform(table, window, ctx.schemas.sql(config.sql), values)
        summary = await ctx.warehouse.query(ctx.schemas.sql(config.summary_sql), days)
        found = summary.rows[0]
        if found["unpriced_rows"]:
            await ctx.message(f"{found['unpriced_rows']} rows have no price: {found['unpriced_models']}")
        await tell_of_newer(ctx, written.superseded)
        output = {
            "first_day": window.first.isoformat(),
            "last_day": window.last.isoformat(),
            "total_cost_usd": f"{found['total_cost_usd'] or Decimal(0):f}",
            "priced_rows": found["priced_rows"],
            "unpriced_rows": found["unpriced_rows"],
            "unpriced_models": found["unpriced_models"],
            "superseded_days": written.superseded,
            "bytes_billed": written.bytes_billed + summary.bytes_billed,
        }
        return StepResult(written.rows, 0, output)


def _window(config: CostConfig, ctx: StepContext) -> DateWindow:
    earlier = ctx.outputs.get(config.days_from, {})
    if not earlier.get("first_day"):
        return ctx.window
    first, last = date.fromisoformat(earlier["first_day"]), date.fromisoformat(earlier["last_day"])
    return DateWindow(min(first, ctx.window.first), max(last, ctx.window.last))


def get_engine() -> OpenAiCost:
    """Return the engine of `openai.cost`."""
    return OpenAiCost()
