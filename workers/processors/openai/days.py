"""Which days a run reads: those it is for, the recent ones that may have been restated, never final ones in vain."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from workers.model.window import DateWindow
from workers.ports import StepContext

LOADED_DAYS = "openai/cost/sql/loaded_days.sql"


async def days_to_read(ctx: StepContext, table: str, restate_days: int) -> tuple[DateWindow, ...]:
    """Return the windows to read again, in order.

    The last `restate_days` complete days are always read when the run reaches them: the provider still corrects them.
    An older day of the run is final once it was read completely after that time, and is read again only under
    force_refresh.
    """
    newest = ctx.clock.now().date() - timedelta(days=1)
    recent = newest - timedelta(days=restate_days - 1)
    first = min(ctx.window.first, recent) if ctx.window.last >= newest else ctx.window.first
    wanted = DateWindow(first, ctx.window.last)
    if ctx.force_refresh or wanted.first >= recent:
        return (wanted,)
    final = await _final(ctx, table, wanted, restate_days)
    return tuple(_spans(day for day in wanted if day >= recent or day not in final))


async def _final(ctx: StepContext, table: str, window: DateWindow, restate_days: int) -> frozenset[date]:
    await ctx.warehouse.ensure(ctx.schemas.table("__load_ledger"))
    parameters = {"table_name": table, "first_day": window.first, "last_day": window.last}
    answer = await ctx.warehouse.query(ctx.schemas.sql(LOADED_DAYS), parameters)
    settled = timedelta(days=restate_days)
    return frozenset(row["day"] for row in answer.rows if row["loaded_at"].date() >= row["day"] + settled)


def _spans(days: Iterable[date]) -> list[DateWindow]:
    spans: list[DateWindow] = []
    for day in days:
        if spans and spans[-1].last + timedelta(days=1) == day:
            spans[-1] = DateWindow(spans[-1].first, day)
        else:
            spans.append(DateWindow(day, day))
    return spans
