"""Prices the days of a usage table in the warehouse: what every provider's cost step does with its own SQL."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Protocol

from workers.model.window import DateWindow
from workers.ports import StepContext, StepResult
from workers.processors.days import tell_of_newer


class Pricing(Protocol):
    """Tables and SQL files of one provider; `days_from` names an earlier step whose days are priced too."""

    @property
    def table(self) -> str:
        """The cost table."""

    @property
    def usage_table(self) -> str:
        """The usage it is computed from."""

    @property
    def sql(self) -> str:
        """The SELECT that prices, below configs/."""

    @property
    def summary_sql(self) -> str:
        """The SELECT that adds the priced days up."""

    @property
    def days_from(self) -> str:
        """A step id, or nothing."""


async def restate_cost(pricing: Pricing, ctx: StepContext) -> StepResult:
    """Restate the days' cost; rows without a price are counted in the output, never priced at zero."""
    for name in (pricing.usage_table, pricing.table):
        await ctx.warehouse.ensure(ctx.schemas.table(name))
    window = _window(pricing.days_from, ctx)
    days = {"first_day": window.first, "last_day": window.last}
    values = days | {"org_slug": ctx.org, "calculated_at": ctx.clock.now()}
    table = ctx.schemas.table(pricing.table)
    written = await ctx.warehouse.transform(table, window, ctx.schemas.sql(pricing.sql), values)
    summary = await ctx.warehouse.query(ctx.schemas.sql(pricing.summary_sql), days)
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


def _window(days_from: str, ctx: StepContext) -> DateWindow:
    earlier = ctx.outputs.get(days_from, {})
    if not earlier.get("first_day"):
        return ctx.window
    first, last = date.fromisoformat(earlier["first_day"]), date.fromisoformat(earlier["last_day"])
    return DateWindow(min(first, ctx.window.first), max(last, ctx.window.last))
