"""Which days a run reads: those it is for, the recent ones that may have been restated, those that were missed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from workers.model.window import DateWindow
from workers.ports import StepContext

LOADED_DAYS = "system/sql/loaded_days.sql"
CATCH_UP_DAYS = 31  # what one page of daily buckets holds


async def days_to_read(ctx: StepContext, table: str, restate_days: int, sql: str) -> tuple[DateWindow, ...]:
    """Return the windows to read again, in order; `sql` is the file that tells which days are loaded and final.

    The last `restate_days` complete days are always read when the run reaches them: the provider still corrects them.
    Such a run also catches up: of the last CATCH_UP_DAYS days it reads those that are not final, from the first one
    on that was ever loaded. What an outage left out longer ago needs a run with dates. An older day of the run is
    final once it was read completely after its corrections, and is read again only under force_refresh.
    """
    newest = ctx.clock.now().date() - timedelta(days=1)
    recent = newest - timedelta(days=restate_days - 1)
    reaches = ctx.window.last >= newest
    first = min(ctx.window.first, recent) if reaches else ctx.window.first
    since = min(first, newest - timedelta(days=CATCH_UP_DAYS - 1)) if reaches else first
    if ctx.force_refresh or since >= recent:
        return (DateWindow(first, ctx.window.last),)
    final = await _loaded(ctx, table, DateWindow(since, ctx.window.last), restate_days, sql)
    begun = min((first, *final))
    return tuple(_spans(day for day in DateWindow(begun, ctx.window.last) if day >= recent or not final.get(day)))


async def tell_of_newer(ctx: StepContext, superseded: int) -> None:
    """Show whoever watches the run that days of it stay as a newer run wrote them."""
    if superseded:
        await ctx.message(f"{superseded} {'day was' if superseded == 1 else 'days were'} left to a newer run")


async def _loaded(ctx: StepContext, table: str, window: DateWindow, restate_days: int, sql: str) -> Mapping[date, bool]:
    """Return the days of the window that were loaded, each with whether it is final."""
    await ctx.warehouse.ensure(ctx.schemas.table("__load_ledger"))
    asked = {"table_name": table, "first_day": window.first, "last_day": window.last, "restate_days": restate_days}
    answer = await ctx.warehouse.query(ctx.schemas.sql(sql), asked)
    return {row["day"]: row["final"] for row in answer.rows}


def _spans(days: Iterable[date]) -> list[DateWindow]:
    spans: list[DateWindow] = []
    for day in days:
        if spans and spans[-1].last + timedelta(days=1) == day:
            spans[-1] = DateWindow(spans[-1].first, day)
        else:
            spans.append(DateWindow(day, day))
    return spans
