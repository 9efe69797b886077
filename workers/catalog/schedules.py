"""When a pipeline runs by itself: three ways to write it, one mapping {cron, timezone, enabled} out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workers.catalog.declarations import ScheduleFile
from workers.catalog.structure import structure
from workers.model.schedule import Timing


def read_schedule(declared: Any) -> Mapping[str, Any] | None:
    """Return the schedule, None when there is none; raise ValueError, or what `structure` raises, when it is wrong."""
    if declared is None:
        return None
    form = ScheduleFile(cron=declared) if isinstance(declared, str) else structure(declared, ScheduleFile)
    line = _line(form)
    Timing.parse(line, form.timezone)
    return {"cron": line, "timezone": form.timezone, "enabled": form.enabled}


def _line(form: ScheduleFile) -> str:
    if (form.cron is None) == (form.type is None):
        raise ValueError("a schedule has either cron or type")
    if form.cron is not None:
        return " ".join(form.cron.split())
    if form.type == "daily" and form.day_of_month is not None:
        raise ValueError("a daily schedule has no day_of_month")
    hour, minute = (int(part) for part in form.time.split(":"))
    return f"{minute} {hour} {form.day_of_month or 1 if form.type == 'monthly' else '*'} * *"
