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
    Older days of the run are final once they are loaded, and read again only under force_refresh.
    """
    newest = ctx.clock.now().date() - timedelta(days=1)
    recent = newest - timedelta(days=restate_days - 1)
    first = min(ctx.window.first, recent) if ctx.window.last >= newest else ctx.window.first
    wanted = DateWindow(first, ctx.window.last)
    if ctx.force_refresh or wanted.first >= recent:
        return (wanted,)
    loaded = await _loaded(ctx, table, wanted)
    return tuple(_spans(day for day in wanted if day >= recent or day not in loaded))


async def _loaded(ctx: StepContext, table: str, window: DateWindow) -> frozenset[date]:
    await ctx.warehouse.ensure(ctx.schemas.table("__load_ledger"))
    parameters = {"table_name": table, "first_day": window.first, "last_day": window.last}
    answer = await ctx.warehouse.query(ctx.schemas.sql(LOADED_DAYS), parameters)
    return frozenset(row["day"] for row in answer.rows)


def _spans(days: Iterable[date]) -> list[DateWindow]:
    spans: list[DateWindow] = []
    for day in days:
        if spans and spans[-1].last + timedelta(days=1) == day:
            spans[-1] = DateWindow(spans[-1].first, day)
        else:
            spans.append(DateWindow(day, day))
    return spans
