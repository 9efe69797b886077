"""Reads every usage endpoint of an OpenAI organisation into openai_usage_daily_raw, whole UTC days at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from attrs import evolve, field, frozen
from attrs.validators import and_, ge, le, optional

from workers.model.openai_usage import ENDPOINTS, Endpoint, breaks_identity, row_of, summed
from workers.model.page import Page
from workers.model.run import Progress
from workers.model.window import DateWindow
from workers.ports import Load, Row, StepContext, StepResult, Written
from workers.processors.buckets import bad_answer
from workers.processors.days import LOADED_DAYS, days_to_read, tell_of_newer
from workers.processors.openai.buckets import PROVIDER, daily_read


@frozen
class UsageConfig:
    """`restate_days`: how many complete days the provider may still correct.

    `buckets_per_page`: days a request; without it 7 of completions and 31 of the others. A page of 64 MiB, the most
    that is accepted, then holds about 15,000 results a day of completions (600 bytes each) and 10,000 of the others.
    """

    table: str = "openai_usage_daily_raw"
    restate_days: int = field(default=3, validator=and_(ge(0), le(92)))
    buckets_per_page: int | None = field(default=None, validator=optional(and_(ge(1), le(31))))
    loaded_days_sql: str = LOADED_DAYS


@frozen
class _Tally:
    progress: Progress = field(factory=Progress)
    mismatches: int = 0
    bytes_billed: int = 0
    superseded: int = 0
    missing: frozenset[date] = frozenset()

    def read(self, page: Page, rows: int, mismatches: int) -> _Tally:
        before = self.progress
        pages, size = page.counted
        after = Progress(before.rows + rows, before.pages + pages, before.bytes + size)
        return evolve(self, progress=after, mismatches=self.mismatches + mismatches)

    def wrote(self, written: Written) -> _Tally:
        billed, superseded = self.bytes_billed + written.bytes_billed, self.superseded + written.superseded
        return evolve(self, bytes_billed=billed, superseded=superseded)


class OpenAiUsage:
    """Engine of `openai.usage`."""

    Config = UsageConfig

    async def execute(self, config: UsageConfig, ctx: StepContext) -> StepResult:
        """Restate the days of the run; the table changes only when every endpoint was read to its last page.

        A day without a bucket is not taken for one without usage: it keeps its rows when no endpoint has any for it.
        """
        tally = _Tally()
        windows = await days_to_read(ctx, config.table, config.restate_days, config.loaded_days_sql)
        for window in windows:
            tally = await self._restate(config, ctx, window, tally)
        if tally.mismatches:
            ctx.log.warning("token counts do not add up", results=tally.mismatches)
            await ctx.message(f"{tally.mismatches} results whose token counts do not add up were kept as they came")
        if tally.missing:
            listed = ", ".join(day.isoformat() for day in sorted(tally.missing))
            await ctx.message(f"days without a bucket in some endpoint: {listed}")
        await tell_of_newer(ctx, tally.superseded)
        return StepResult(tally.progress.rows, tally.progress.bytes, self._output(windows, tally))

    async def _restate(self, config: UsageConfig, ctx: StepContext, window: DateWindow, tally: _Tally) -> _Tally:
        table = ctx.schemas.table(config.table)
        await ctx.warehouse.ensure(table)
        async with ctx.warehouse.restate(table, window, allow_shrink=ctx.force_refresh) as load:
            for endpoint in ENDPOINTS:
                tally = await self._read(config, ctx, endpoint, window, load, tally)
            written = await load.publish(complete=tally.missing.isdisjoint(window))
        return tally.wrote(written)

    async def _read(
        self, config: UsageConfig, ctx: StepContext, endpoint: Endpoint, window: DateWindow, load: Load, tally: _Tally
    ) -> _Tally:
        path = f"/organization/usage/{endpoint.name}"
        read = daily_read(ctx, path, endpoint.group_by, window, config.buckets_per_page or endpoint.buckets)
        async for page, days in read.pages():
            count = wrong = 0
            for day, results in days:
                # A day of a large organisation takes longer than the event loop may be held up.
                rows, odd = await asyncio.to_thread(self._rows, ctx, endpoint, page, day, results)
                await load.write(rows)
                count, wrong = count + len(rows), wrong + odd
            tally = tally.read(page, count, wrong)
            await ctx.progress(tally.progress)
        return evolve(tally, missing=tally.missing.union(read.missing))

    def _rows(
        self, ctx: StepContext, endpoint: Endpoint, page: Page, day: date, results: list[Mapping[str, Any]]
    ) -> tuple[list[Row], int]:
        """Return a day's rows, and how many of its results contradict themselves; results are let go on the way."""
        blank = endpoint.blank | {
            "org_slug": ctx.org,
            "provider": PROVIDER,
            "usage_date": day,
            "fetched_at": ctx.clock.now(),
            "source_hash": page.receipt.sha256,
        }
        wrong = 0

        def mapped() -> Iterator[dict[str, Any]]:
            nonlocal wrong
            results.reverse()
            while results:
                result = results.pop()
                wrong += breaks_identity(result)
                yield row_of(endpoint, result, blank)

        try:
            return [*summed(mapped())], wrong
        except ValueError as error:
            raise bad_answer(page, f"{day}: {error}") from None

    def _output(self, windows: tuple[DateWindow, ...], tally: _Tally) -> Mapping[str, Any]:
        days = [day.isoformat() for window in windows for day in window]
        return {
            "days": len(days),
            "first_day": days[0] if days else None,
            "last_day": days[-1] if days else None,
            "pages": tally.progress.pages,
            "identity_mismatches": tally.mismatches,
            "missing_days": len(tally.missing),
            "superseded_days": tally.superseded,
            "bytes_billed": tally.bytes_billed,
        }


def get_engine() -> OpenAiUsage:
    """Return the engine of `openai.usage`."""
    return OpenAiUsage()
