"""Daily buckets of a usage or cost report: each is one whole UTC day, comes once, and holds a list of results."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from workers.model.failure import Reason, provider_failed
from workers.model.page import Page, Read
from workers.model.window import DateWindow
from workers.ports import StepContext

Results = list[Mapping[str, Any]]


class DailyRead:
    """One read of a window in daily buckets.

    `begins` tells the instant at which a bucket begins and raises ValueError saying what is wrong with it; start and
    end of the read stand on UTC midnight, else buckets are clipped.
    """

    def __init__(
        self, ctx: StepContext, read: Read, window: DateWindow, begins: Callable[[Mapping[str, Any]], datetime]
    ) -> None:
        self._ctx = ctx
        self._read = read
        self._window = window
        self._begins = begins
        self._seen: set[date] = set()

    @property
    def missing(self) -> tuple[date, ...]:
        """Days of the window that had no bucket so far; the provider gives one for a day without usage, too."""
        return tuple(day for day in self._window if day not in self._seen)

    async def pages(self) -> AsyncIterator[tuple[Page, list[tuple[date, Results]]]]:
        """Yield each page with its days and their results; raises FailedError(PROVIDER_BAD_RESPONSE)."""
        async for page in self._ctx.reading.pages(self._read):
            yield page, list(self._days(page))

    def _days(self, page: Page) -> Iterator[tuple[date, Results]]:
        for bucket in page.rows:
            day, results = self._day(page, bucket), bucket.get("results")
            if not isinstance(results, list) or not all(isinstance(result, dict) for result in results):
                raise bad_answer(page, f"the bucket of {day} has no list of results")
            if day in self._seen:
                raise bad_answer(page, f"the bucket of {day} came before")
            self._seen.add(day)
            yield day, results

    def _day(self, page: Page, bucket: Mapping[str, Any]) -> date:
        try:
            start = self._begins(bucket)
        except ValueError as error:
            raise bad_answer(page, str(error)) from None
        if (start - self._window.start) % timedelta(days=1) or start.date() not in self._window:
            raise bad_answer(page, f"a bucket starts at {start.isoformat()}, where no day starts that was asked for")
        return start.date()


def bad_answer(page: Page, what: str) -> Exception:
    """Build the error of an answer that is not what the specification says."""
    return provider_failed(Reason.PROVIDER_BAD_RESPONSE, f"{page.receipt.url}: {what}", retryable=False)
