"""Reads what Anthropic itself reports as an organisation's cost into anthropic_provider_cost_daily.

Priority Tier, which is paid in advance, is never part of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from attrs import field, frozen
from attrs.validators import and_, ge, le, matches_re

from workers.model.anthropic_cost import row_of, summed
from workers.model.page import Page
from workers.model.window import DateWindow
from workers.ports import Row, StepContext, StepResult
from workers.processors.anthropic.reports import VERSION, AnalyticsRead, Dialect, daily_read, refreshed_at
from workers.processors.anthropic.restating import Report, Restating
from workers.processors.buckets import Results
from workers.processors.days import LOADED_DAYS

REPORT = "cost_report"
GROUPS = {
    "report": ("workspace_id", "description"),
    "analytics": ("workspace_id", "model", "cost_type", "token_type", "service_tier"),
}


@frozen
class ReportedCostConfig:
    """As for anthropic.usage; the analytics endpoint gives the list amount beside what is to be paid, and no text."""

    table: str = "anthropic_provider_cost_daily"
    restate_days: int = field(default=3, validator=and_(ge(0), le(92)))
    buckets_per_page: int = field(default=31, validator=and_(ge(1), le(31)))
    source: Literal["report", "analytics"] = "report"
    anthropic_version: str = field(default="", validator=matches_re(VERSION))
    loaded_days_sql: str = LOADED_DAYS


class AnthropicReportedCost:
    """Engine of `anthropic.reported_cost`."""

    Config = ReportedCostConfig

    async def execute(self, config: ReportedCostConfig, ctx: StepContext) -> StepResult:
        """Restate the days of the run from the provider's costs."""

        def rows(page: Page, results: Results) -> Iterator[Row]:
            told = {"source": config.source, "data_refreshed_at": refreshed_at(page), "reported_at": ctx.clock.now()}
            for row in summed(row_of(result) for result in results):
                yield {**row, **told}

        tally = await Restating(ctx, config, lambda window: self._read(config, ctx, window), rows).run()
        output = {**tally.output, "reported_total": f"{tally.amount:f}", "priority_tier_included": False}
        return StepResult(tally.progress.rows, tally.progress.bytes, output)

    def _read(self, config: ReportedCostConfig, ctx: StepContext, window: DateWindow) -> Report:
        dialect, groups = Dialect(config.anthropic_version), GROUPS[config.source]
        if config.source == "analytics":
            return AnalyticsRead(ctx, dialect, "cost", groups, window)
        return daily_read(ctx, dialect, REPORT, groups, window, config.buckets_per_page)


def get_engine() -> AnthropicReportedCost:
    """Return the engine of `anthropic.reported_cost`."""
    return AnthropicReportedCost()
