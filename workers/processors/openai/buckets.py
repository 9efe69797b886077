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


def daily(ctx: StepContext, path: str, group_by: tuple[str, ...], window: DateWindow, buckets: int) -> Read:
    """Return the read of a window in daily buckets; start and end stand on UTC midnight, else buckets are clipped."""
    params = (
        ("start_time", str(int(window.start.timestamp()))),
        ("end_time", str(int(window.end.timestamp()))),
        ("bucket_width", "1d"),
        ("limit", str(buckets)),
        *(("group_by", name) for name in group_by),
    )
    return Read(
        ctx.endpoint(PROVIDER),
        path,
        params,
        pagination=CursorPages("page", "next_page", "has_more"),
        data_path="data",
        key_fields=("start_time",),
    )


async def bucket_days(
    ctx: StepContext, read: Read, window: DateWindow
) -> AsyncIterator[tuple[Page, list[tuple[date, list[Mapping[str, Any]]]]]]:
    """Yield each page with its days and their results."""
    async for page in ctx.reading.pages(read):
        yield page, list(_days(page, window))


def _days(page: Page, window: DateWindow) -> Iterator[tuple[date, list[Mapping[str, Any]]]]:
    for bucket in page.rows:
        start, results = bucket.get("start_time"), bucket.get("results")
        if not isinstance(start, int) or not isinstance(results, list):
            raise bad_answer(page, "a bucket has no start_time or no results")
        at = datetime.fromtimestamp(start, UTC)
        if at.date() not in window or (at.hour, at.minute, at.second) != (0, 0, 0):
            raise bad_answer(page, f"a bucket starts at {at.isoformat()}, which is no day that was asked for")
        if not all(isinstance(result, dict) for result in results):
            raise bad_answer(page, "a result is not an object")
        yield at.date(), results


def bad_answer(page: Page, what: str) -> Exception:
    """Build the error of an answer that is not what the specification says."""
    return provider_failed(Reason.PROVIDER_BAD_RESPONSE, f"{page.receipt.url}: {what}", retryable=False)
