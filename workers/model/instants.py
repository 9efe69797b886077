"""Instants as providers write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

# RFC 3339; a fraction finer than a microsecond is cut.
_INSTANT = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(\.\d{1,6})?\d{0,30}([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


def instant(value: object) -> datetime:
    """Read an RFC 3339 timestamp as a moment in UTC; raise ValueError for anything else."""
    match = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("not an RFC 3339 timestamp")
    day, time, fraction, zone = match.groups()
    offset = "+00:00" if zone in {"Z", "z"} else zone
    try:
        return datetime.fromisoformat(f"{day}T{time}{(fraction or '.0').ljust(7, '0')}{offset}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("not a moment of the calendar") from None
