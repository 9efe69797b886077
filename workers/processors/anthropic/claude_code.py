"""Reads what an organisation does with Claude Code into anthropic_claude_code_usage_daily, day by day."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import date

from attrs import field, frozen
from attrs.validators import and_, ge, le, matches_re

from workers.model.anthropic_claude_code import day_of, rows_of, summed
from workers.model.page import Page
from workers.model.window import DateWindow
from workers.ports import Row, StepContext, StepResult
from workers.processors.anthropic.reports import PROVIDER, VERSION, Dialect, paged
from workers.processors.anthropic.restating import Restating
from workers.processors.buckets import Results, bad_answer
from workers.processors.days import LOADED_DAYS

REPORT = "usage_report/claude_code"


@frozen
class ClaudeCodeConfig:
    """As for anthropic.usage; the report gives one day at a time, in pages of so many records."""

    table: str = "anthropic_claude_code_usage_daily"
    restate_days: int = field(default=3, validator=and_(ge(0), le(92)))
    records_per_page: int = field(default=1000, validator=and_(ge(1), le(1000)))
    anthropic_version: str = field(default="", validator=matches_re(VERSION))
    loaded_days_sql: str = LOADED_DAYS


@frozen
class ClaudeCodeRead:
    """One read of a window, a listing for each day; a day without records is one on which nobody used it."""

    config: ClaudeCodeConfig
    ctx: StepContext
    window: DateWindow
    missing: tuple[date, ...] = ()

    async def pages(self) -> AsyncIterator[tuple[Page, list[tuple[date, Results]]]]:
        """Yield each page with its day and records; raises FailedError(PROVIDER_BAD_RESPONSE)."""
        endpoint = Dialect(self.config.anthropic_version).endpoint(self.ctx)
        for day in self.window:
            params = [("starting_at", day.isoformat()), ("limit", str(self.config.records_per_page))]
            async for page in self.ctx.reading.pages(paged(endpoint, REPORT, params, "date")):
                self._check(page, day)
                yield page, [(day, list(page.rows))]

    def _check(self, page: Page, day: date) -> None:
        try:
            others = {day_of(record) for record in page.rows} - {day}
        except ValueError as error:
            raise bad_answer(page, f"{day}: date is {error}") from None
        if others:
            raise bad_answer(page, f"{day}: a record is of {min(others)}")


class AnthropicClaudeCode:
    """Engine of `anthropic.claude_code`."""

    Config = ClaudeCodeConfig

    async def execute(self, config: ClaudeCodeConfig, ctx: StepContext) -> StepResult:
        """Restate the days of the run."""

        def rows(_page: Page, results: Results) -> Iterator[Row]:
            fetched = ctx.clock.now()
            for row in summed(row for record in results for row in rows_of(record)):
                yield {**row, "provider": PROVIDER, "fetched_at": fetched}

        tally = await Restating(ctx, config, lambda window: ClaudeCodeRead(config, ctx, window), rows).run()
        return StepResult(tally.progress.rows, tally.progress.bytes, tally.output)


def get_engine() -> AnthropicClaudeCode:
    """Return the engine of `anthropic.claude_code`."""
    return AnthropicClaudeCode()
