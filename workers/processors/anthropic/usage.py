"""Reads an organisation's usage of the Messages API into anthropic_usage_daily_raw, whole UTC days at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from attrs import Attribute, field, frozen
from attrs.validators import and_, ge, le, matches_re

from workers.model.anthropic_usage import DIMENSIONS, row_of, summed
from workers.model.page import Page
from workers.model.window import DateWindow
from workers.ports import Row, StepContext, StepResult
from workers.processors.anthropic.reports import (
    FAST_MODE,
    PROVIDER,
    VERSION,
    AnalyticsRead,
    Dialect,
    daily_read,
    refreshed_at,
)
from workers.processors.anthropic.restating import Report, Restating
from workers.processors.buckets import Results
from workers.processors.days import LOADED_DAYS

REPORT = "usage_report/messages"
MOST_GROUPS = {"report": len(DIMENSIONS), "analytics": 5}
GROUPS = {
    "report": ("model", "workspace_id", "api_key_id", "service_tier", "context_window", "inference_geo"),
    "analytics": ("model", "workspace_id", "service_tier", "context_window", "inference_geo"),
}


def _may_be_grouped_by(config: UsageConfig, attribute: Attribute[tuple[str, ...]], names: tuple[str, ...]) -> None:
    unknown = [name for name in names if name not in DIMENSIONS]
    if unknown or len(names) > MOST_GROUPS[config.source] or len(set(names)) < len(names):
        most = f"at most {MOST_GROUPS[config.source]} different of {', '.join(DIMENSIONS)}"
        raise ValueError(f"'{attribute.name}' of source {config.source} takes {most}")


@frozen
class UsageConfig:
    """`restate_days`: how many complete days the provider may still correct.

    `source`: the report in daily buckets, or the newer analytics endpoint, which counts requests and knows days since
    2026-01-01 and a year back only. `group_by` is, where it is not given, what prices depend on and who used it; the
    report's `speed` (fast mode) is a beta. `anthropic_version` replaces the registry's.
    """

    table: str = "anthropic_usage_daily_raw"
    restate_days: int = field(default=3, validator=and_(ge(0), le(92)))
    buckets_per_page: int = field(default=31, validator=and_(ge(1), le(31)))
    source: Literal["report", "analytics"] = "report"
    group_by: tuple[str, ...] = field(default=(), validator=_may_be_grouped_by)
    anthropic_version: str = field(default="", validator=matches_re(VERSION))
    loaded_days_sql: str = LOADED_DAYS

    @property
    def groups(self) -> tuple[str, ...]:
        """What is grouped by."""
        return self.group_by or GROUPS[self.source]


class AnthropicUsage:
    """Engine of `anthropic.usage`."""

    Config = UsageConfig

    async def execute(self, config: UsageConfig, ctx: StepContext) -> StepResult:
        """Restate the days of the run."""

        def rows(page: Page, results: Results) -> Iterator[Row]:
            told = {"source": config.source, "data_refreshed_at": refreshed_at(page), "fetched_at": ctx.clock.now()}
            for row in summed(row_of(result, config.groups) for result in results):
                yield {**row, **told, "provider": PROVIDER}

        tally = await Restating(ctx, config, lambda window: self._read(config, ctx, window), rows).run()
        return StepResult(tally.progress.rows, tally.progress.bytes, tally.output)

    def _read(self, config: UsageConfig, ctx: StepContext, window: DateWindow) -> Report:
        if config.source == "analytics":
            return AnalyticsRead(ctx, Dialect(config.anthropic_version), "usage", config.groups, window)
        dialect = Dialect(config.anthropic_version, (FAST_MODE,) if "speed" in config.groups else ())
        return daily_read(ctx, dialect, REPORT, config.groups, window, config.buckets_per_page)


def get_engine() -> AnthropicUsage:
    """Return the engine of `anthropic.usage`."""
    return AnthropicUsage()
