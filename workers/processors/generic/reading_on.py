"""Where a step reads on: from the bookmark of its last run to parameters of this one, and to the next bookmark."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from attrs import define, evolve, field, frozen

from workers.model.bookmark import Bookmark
from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.increment import DaySpan, instant_of, next_days, written
from workers.model.page import Page
from workers.model.window import DateWindow
from workers.ports import StepContext
from workers.processors.generic.declared import IncrementalDeclared
from workers.processors.generic.unhurried import unhurried
from workers.rest.expressions import ABSENT, expression

UNTIL, CURSOR = "until", "cursor"


@frozen
class Everything:
    """A step that always reads all there is."""

    params: Mapping[str, str] = field(factory=dict)
    window: DateWindow | None = None
    bookmark: Bookmark | None = None

    async def see(self, page: Page) -> None:
        """Nothing of a page matters."""

    async def tell(self, ctx: StepContext) -> None:
        """There is nothing to tell."""


@frozen
class Days:
    """A step that reads on by days."""

    declared: IncrementalDeclared
    before: Bookmark
    span: DaySpan
    today: date

    @property
    def params(self) -> Mapping[str, str]:
        """The first instant, and the one after the last."""
        one, window = self.declared, self.span.window
        last = window.last if one.until_included else window.last + timedelta(days=1)
        return {
            one.param: written(instant_of(window.first), one.type),
            one.until_param: written(instant_of(last), one.type),
        }

    @property
    def window(self) -> DateWindow | None:
        """The days it replaces."""
        return self.span.window

    @property
    def bookmark(self) -> Bookmark | None:
        """The day before which all have been read; today is not over, and so not one of them."""
        if self.span.until is None:
            return None
        until = min(self.span.until, self.today).isoformat()
        return evolve(self.before, value={UNTIL: until}) if until > self.before.value.get(UNTIL, "") else None

    async def see(self, page: Page) -> None:
        """Days are read whatever comes of them."""

    async def tell(self, ctx: StepContext) -> None:
        """Say what is left for the next run."""
        if self.span.remaining:
            days = "1 day is" if self.span.remaining == 1 else f"{self.span.remaining} days are"
            await ctx.message(f"{days} left; the next run goes on from {self.span.until}")


@define
class Values:
    """A step that reads on from the largest value it has seen."""

    declared: IncrementalDeclared
    before: Bookmark
    ctx: StepContext
    largest: Any
    window: DateWindow | None = None

    @property
    def params(self) -> Mapping[str, str]:
        """The value to go on from, none the first time when no start is declared."""
        if self.largest is None:
            return {}
        return {self.declared.param: self.declared.kind.sent(self.largest, self.declared.lookback_days)}

    @property
    def bookmark(self) -> Bookmark | None:
        """The largest value so far."""
        if self.largest is None:
            return None
        value = self.declared.kind.bounded(self.largest, self.ctx.clock.now())
        return evolve(self.before, value={CURSOR: self.declared.kind.kept(value)})

    async def see(self, page: Page) -> None:
        """Take the values of a page's rows; raises FailedError(DATA_INVALID) for a row without one."""
        find, kind = expression(self.declared.cursor_path), self.declared.kind
        async for index, row in unhurried(page.rows):
            try:
                found = find(row)
                value = kind.read(None if found is ABSENT else found)
            except ValueError as error:
                where = f"{page.receipt.url}: row {page.before + index + 1} of page {page.receipt.number}"
                message = f"{where}: its cursor {self.declared.cursor_path} {error}"
                raise FailedError(Failure(Code.FAILED_PRECONDITION, Reason.DATA_INVALID, message)) from None
            if self.largest is None or value > self.largest:
                self.largest = value

    async def tell(self, ctx: StepContext) -> None:
        """There is nothing to tell."""


ReadingOn = Everything | Days | Values


async def reading_on(declared: IncrementalDeclared | None, ctx: StepContext) -> ReadingOn:
    """Return where this run reads on."""
    if declared is None:
        return Everything()
    before = await ctx.bookmark()
    start = declared.kind.read(_start(declared)) if declared.start else None
    if not declared.until_param:
        kept = before.value.get(CURSOR)
        return Values(declared, before, ctx, start if kept is None else declared.kind.found(kept))
    kept = before.value.get(UNTIL)
    span = next_days(
        ctx.window,
        date.fromisoformat(kept) if kept else None,
        start,
        lookback_days=declared.lookback_days,
        max_days=declared.max_days,
        again=ctx.force_refresh,
    )
    return Days(declared, before, span, ctx.clock.now().date())


def _start(declared: IncrementalDeclared) -> str | int:
    return int(declared.start) if declared.type == "integer" else declared.start
