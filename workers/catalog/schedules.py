"""When a pipeline runs by itself: three ways to write it, one mapping {cron, timezone, enabled} out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workers.catalog.declarations import ScheduleFile
from workers.catalog.structure import structure
from workers.model.schedule import Timing, cron_line


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
    return cron_line(str(form.type), form.time, form.day_of_month)
