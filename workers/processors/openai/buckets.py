"""Daily buckets of OpenAI's usage and costs API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from workers.model.page import Read
from workers.model.pagination import CursorPages
from workers.model.window import DateWindow
from workers.ports import StepContext
from workers.processors.buckets import DailyRead

PROVIDER = "OPENAI"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def daily_read(ctx: StepContext, path: str, group_by: tuple[str, ...], window: DateWindow, buckets: int) -> DailyRead:
    """Make a read of a window, so many buckets a page."""
    params = (
        ("start_time", str(int(window.start.timestamp()))),
        ("end_time", str(int(window.end.timestamp()))),
        ("bucket_width", "1d"),
        ("limit", str(buckets)),
        *(("group_by", name) for name in group_by),
    )
    read = Read(
        ctx.endpoint(PROVIDER),
        path,
        params,
        pagination=CursorPages("page", "next_page", "has_more"),
        data_path="data",
        key_fields=("start_time",),
        in_parts=True,
    )
    return DailyRead(ctx, read, window, _begins)


def _begins(bucket: Mapping[str, Any]) -> datetime:
    start = bucket.get("start_time")
    if isinstance(start, bool) or not isinstance(start, int):
        raise ValueError("a bucket has no start_time")  # noqa: TRY004 - a fault of the answer like any other
    try:
        return _EPOCH + timedelta(seconds=start)
    except OverflowError:
        raise ValueError(f"a bucket starts at {start}, where no day starts that was asked for") from None
