"""Runs that come late or all at once, on the real warehouse."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve, frozen

from tests.conformance.openai.test_cost import LIST, usage_row
from tests.fakes.step_contexts import Heard, Make
from tests.plugins.warehouse_desk import Desk
from workers.ports import StepContext
from workers.processors.days import LOADED_DAYS, days_to_read
from workers.processors.openai.seed_csv import OpenAiSeedCsv, SeedConfig

pytestmark = pytest.mark.engine

TABLE = "openai_usage_daily_raw"
DAY = date(2026, 3, 31)
LEDGER = (
    "INSERT INTO {dataset}.__load_ledger (table_name, scope, day, run_seq, fence, run_id, `rows`, content_sha256,"
    " complete, committed_at) VALUES (@t, NULL, @day, 1, 1, 'r', 1, 'x', @complete, @at)"
)


@frozen
class At:
    """A clock that shows one moment."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        raise AssertionError("nothing measures here")

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nothing sleeps {seconds} s here")


async def final(ctx: StepContext, moment: datetime, *, complete: bool = True) -> bool:
    """Whether a day that was loaded at a moment is final two months later."""
    desk: Any = ctx.warehouse
    await desk.ensure(ctx.schemas.table("__load_ledger"))
    await desk.query("DELETE FROM {dataset}.__load_ledger WHERE TRUE", {})
    await desk.query(LEDGER, {"t": TABLE, "day": DAY, "complete": complete, "at": moment})
    later = evolve(ctx, clock=At(datetime(2026, 6, 1, tzinfo=UTC)))
    return await days_to_read(later, TABLE, 3, LOADED_DAYS) == ()


async def test_a_day_is_final_when_it_was_read_after_its_end_and_the_days_of_corrections(context: Make) -> None:
    settled = datetime.combine(DAY + timedelta(days=4), time(), UTC)
    assert await final(context(DAY), settled)
    assert not await final(context(DAY), settled - timedelta(microseconds=1))
    assert not await final(context(DAY), settled, complete=False)


async def test_first_runs_that_come_all_at_once_load_the_prices_of_one(context: Make, desk: Desk, heard: Heard) -> None:
    newest_first = [context(DAY - timedelta(days=back)) for back in range(6)][::-1]
    done = await asyncio.gather(*(OpenAiSeedCsv().execute(SeedConfig(LIST), ctx) for ctx in newest_first))
    loads = [result.rows for result in done if result.output["changed"]]
    assert loads
    book = "SELECT COUNT(DISTINCT run_id) AS runs, COUNT(*) AS n FROM {dataset}.llm_price_book"
    assert await desk.rows(book) == [(1, loads[0])]
    assert set(heard.messages) <= {"the prices were left to a newer run, which has loaded them"}


@pytest.mark.fault("F53")
async def test_an_older_run_completes_around_the_days_of_a_newer_one(context: Make, desk: Desk) -> None:
    older, newer = context(DAY - timedelta(days=2), DAY), context(DAY)
    table = newer.schemas.table(TABLE)
    for ctx, days in ((newer, 1), (older, 3)):
        await ctx.warehouse.ensure(table)
        async with ctx.warehouse.restate(table, ctx.window) as load:
            await load.write([usage_row(DAY - timedelta(days=back)) for back in range(days)])
            written = await load.publish()
    assert (written.rows, written.superseded) == (2, 1)
    found = await desk.rows("SELECT usage_date, run_id FROM {dataset}.openai_usage_daily_raw ORDER BY usage_date")
    assert [UUID(run) for _, run in found] == [older.run_id, older.run_id, newer.run_id]
