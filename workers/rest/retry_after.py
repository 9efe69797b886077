"""How long a provider asks to wait, from its headers; what makes no sense counts as not said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_SECONDS = 3600.0

_NUMBER = re.compile(r"\d{1,30}(\.\d{1,30})?", re.ASCII)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read `retry-after-ms`, else `retry-after` (seconds or an HTTP date), in seconds, at most an hour.

    None for what is negative, past or no number and no date.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return min(milliseconds / 1000, LONGEST_SECONDS)
    text = headers.get("retry-after", "").strip()
    seconds = _number(text)
    if seconds is None:
        seconds = _until(text, now)
    return None if seconds is None else min(seconds, LONGEST_SECONDS)


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text.strip()) else None


def _until(text: str, now: datetime) -> float | None:
    try:
        date = parsedate_to_datetime(text)
        aware = date if date.tzinfo else date.replace(tzinfo=UTC)
        seconds = (aware - now).total_seconds()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return seconds if seconds > 0 else None
