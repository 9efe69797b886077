"""The way to Anthropic's reports: daily buckets of the Admin API, and flat rows of the newer analytics endpoints."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from attrs import evolve, frozen

from workers.model.anthropic_usage import flat
from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.instants import instant
from workers.model.page import Endpoint, Page, Read
from workers.model.pagination import CursorPages
from workers.model.window import DateWindow
from workers.ports import StepContext
from workers.processors.buckets import DailyRead, Results, bad_answer

PROVIDER = "ANTHROPIC"
FAST_MODE = "fast-mode-2026-02-01"  # without it `speed` may not be grouped by
ANALYTICS = "analytics-usage-cost-2026-08-24"
REFRESHED = "data_refreshed_at"
VERSION = r"(\d{4}-\d{2}-\d{2})?"  # of the API; empty is what the registry says

_DAYS_AT_ONCE = 31
_ROWS_AT_ONCE = 1000
_OLDEST = timedelta(days=365)
_BEGINNING = date(2026, 1, 1)


@frozen
class Dialect:
    """How a request is spoken: the API's version where it is not the registry's, and the betas it needs."""

    version: str = ""
    betas: tuple[str, ...] = ()

    def endpoint(self, ctx: StepContext) -> Endpoint:
        """Return the provider's API, spoken so."""
        endpoint: Endpoint = ctx.endpoint(PROVIDER)
        headers = dict(endpoint.headers)
        headers |= {"anthropic-version": self.version} if self.version else {}
        headers |= {"anthropic-beta": ",".join(self.betas)} if self.betas else {}
        return evolve(endpoint, headers=headers)


def paged(endpoint: Endpoint, path: str, params: Sequence[tuple[str, str]], key: str) -> Read:
    """Make a read of a listing; all of them page alike."""
    pagination = CursorPages("page", "next_page", "has_more")
    return Read(endpoint, f"/organizations/{path}", tuple(params), pagination=pagination, data_path="data",
                key_fields=(key,), page_fields=(REFRESHED,))  # fmt: skip


def daily_read(
    ctx: StepContext, dialect: Dialect, path: str, group_by: Sequence[str], window: DateWindow, buckets: int
) -> DailyRead:
    """Make a read of a report in daily buckets, so many a page."""
    params = [*_between(window), ("bucket_width", "1d"), ("limit", str(buckets))]
    params += [("group_by[]", name) for name in group_by]
    return DailyRead(ctx, paged(dialect.endpoint(ctx), path, params, "starting_at"), window, _begins)


class AnalyticsRead:
    """One read of a window as flat rows; days without usage have none, so none is ever missing."""

    missing: tuple[date, ...] = ()

    def __init__(
        self, ctx: StepContext, dialect: Dialect, metrics: str, group_by: Sequence[str], window: DateWindow
    ) -> None:
        self._ctx = ctx
        self._endpoint = evolve(dialect, betas=(*dialect.betas, ANALYTICS)).endpoint(ctx)
        self._metrics = metrics
        self._group_by = group_by
        self._window = window

    async def pages(self) -> AsyncIterator[tuple[Page, list[tuple[date, Results]]]]:
        """Yield each page with its days and their results; raises FailedError(CONFIG_INVALID) for days it has not."""
        self._check_reach()
        for window in _parts(self._window):
            params = [*_between(window), ("time_bucket_width", "1d"), ("limit", str(_ROWS_AT_ONCE))]
            params += [("group_by[]", name) for name in self._group_by]
            read = paged(self._endpoint, f"analytics/{self._metrics}", params, "starting_at")
            async for page in self._ctx.reading.pages(read):
                yield page, list(self._days(page, window))

    def _check_reach(self) -> None:
        first = max(_BEGINNING, self._ctx.clock.now().date() - _OLDEST)
        if self._window.first < first:
            message = f"the analytics endpoints know nothing of days before {first}; read those as a report"
            raise FailedError(Failure(Code.FAILED_PRECONDITION, Reason.CONFIG_INVALID, message))

    def _days(self, page: Page, window: DateWindow) -> Iterator[tuple[date, Results]]:
        found: dict[date, Results] = {}
        for row in page.rows:
            try:
                start, result = _begins(row), flat(row, self._metrics)
            except ValueError as error:
                raise bad_answer(page, str(error)) from None
            if (start - window.start) % timedelta(days=1) or start.date() not in window:
                raise bad_answer(page, f"a row starts at {start.isoformat()}, where no day starts that was asked for")
            found.setdefault(start.date(), []).append(result)
        yield from found.items()


def refreshed_at(page: Page) -> datetime | None:
    """Return as of when the provider's data are, where it says so."""
    value = page.fields.get(REFRESHED)
    try:
        return None if value is None else instant(value)
    except ValueError as error:
        raise bad_answer(page, f"{REFRESHED} is {error}") from None


def _between(window: DateWindow) -> list[tuple[str, str]]:
    return [("starting_at", f"{window.start:%Y-%m-%dT%H:%M:%SZ}"), ("ending_at", f"{window.end:%Y-%m-%dT%H:%M:%SZ}")]


def _begins(item: Mapping[str, Any]) -> datetime:
    try:
        return instant(item.get("starting_at"))
    except ValueError as error:
        raise ValueError(f"starting_at is {error}") from None


def _parts(window: DateWindow) -> Iterator[DateWindow]:
    first = window.first
    while first <= window.last:
        last = min(window.last, first + timedelta(days=_DAYS_AT_ONCE - 1))
        yield DateWindow(first, last)
        first = last + timedelta(days=1)
