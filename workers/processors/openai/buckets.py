"""Daily buckets of OpenAI's usage and costs API: asks for whole UTC days and reads each bucket as one of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

from workers.model.failure import Reason, provider_failed
from workers.model.page import Page, Read
from workers.model.pagination import CursorPages
from workers.model.window import DateWindow
from workers.ports import StepContext

PROVIDER = "OPENAI"

Results = list[Mapping[str, Any]]


class DailyRead:
    """One read of a window in daily buckets; start and end stand on UTC midnight, else buckets are clipped."""

    def __init__(
        self, ctx: StepContext, path: str, group_by: tuple[str, ...], window: DateWindow, buckets: int
    ) -> None:
        self._ctx = ctx
        self._window = window
        self._seen: set[date] = set()
        params = (
            ("start_time", str(int(window.start.timestamp()))),
            ("end_time", str(int(window.end.timestamp()))),
            ("bucket_width", "1d"),
            ("limit", str(buckets)),
            *(("group_by", name) for name in group_by),
        )
        self._read = Read(
            ctx.endpoint(PROVIDER),
            path,
            params,
            pagination=CursorPages("page", "next_page", "has_more"),
            data_path="data",
            key_fields=("start_time",),
        )

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
            day, results = self._day(page, bucket.get("start_time")), bucket.get("results")
            if not isinstance(results, list) or not all(isinstance(result, dict) for result in results):
                raise bad_answer(page, f"the bucket of {day} has no list of results")
            if day in self._seen:
                raise bad_answer(page, f"the bucket of {day} came before")
            self._seen.add(day)
            yield day, results

    def _day(self, page: Page, start: object) -> date:
        if isinstance(start, bool) or not isinstance(start, int):
            raise bad_answer(page, "a bucket has no start_time")
        offset = start - int(self._window.start.timestamp())
        if offset % 86_400 or not 0 <= offset < len(self._window) * 86_400:
            raise bad_answer(page, f"a bucket starts at {start}, where no day starts that was asked for")
        return datetime.fromtimestamp(start, UTC).date()


def bad_answer(page: Page, what: str) -> Exception:
    """Build the error of an answer that is not what the specification says."""
    return provider_failed(Reason.PROVIDER_BAD_RESPONSE, f"{page.receipt.url}: {what}", retryable=False)
