"""Computes anthropic_cost_daily in the warehouse from the usage table and the dated price book."""

from __future__ import annotations

from attrs import frozen

from workers.ports import StepContext, StepResult
from workers.processors.cost import restate_cost


@frozen
class CostConfig:
    """`days_from` names an earlier step whose days are priced too; the SQL files stand below configs/."""

    table: str = "anthropic_cost_daily"
    usage_table: str = "anthropic_usage_daily_raw"
    sql: str = "anthropic/sql/anthropic_cost_daily.sql"
    summary_sql: str = "anthropic/sql/anthropic_cost_summary.sql"
    days_from: str = ""


class AnthropicCost:
    """Engine of `anthropic.cost`."""

    Config = CostConfig

    async def execute(self, config: CostConfig, ctx: StepContext) -> StepResult:
        """Restate the days' cost."""
        return await restate_cost(config, ctx)


def get_engine() -> AnthropicCost:
    """Return the engine of `anthropic.cost`."""
    return AnthropicCost()
