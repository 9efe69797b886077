"""Schedules put through the served SchedulerService, as short as a test wants them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
from datapipeline.v1 import scheduler_pb2 as pb

from server.convert.values import struct_of
from tests.plugins.service import AS_ACME, refusal_of
from tests.unit.server.services.conftest import Desk


def wanted(**changes: Any) -> pb.PutScheduleRequest:
    """Ask for a schedule as REST does: by a body."""
    body = {"provider": "openai", "domain": "cost", "pipeline": "usage_cost", "schedule_cron": "0 2 * * *"} | changes
    return pb.PutScheduleRequest(org="acme", body=struct_of({k: v for k, v in body.items() if v is not None}))


async def put(desk: Desk, **changes: Any) -> pb.Schedule:
    """Put a schedule of acme's."""
    kept: pb.Schedule = await desk.served.scheduler.PutSchedule(wanted(**changes), metadata=AS_ACME)
    return kept


async def refused(desk: Desk, **changes: Any) -> tuple[str, str, dict[str, str]]:
    """Put a schedule that is refused: code, reason, what is wrong with each field."""
    refusal = await refusal_of(desk.served.scheduler.PutSchedule(wanted(**changes), metadata=AS_ACME))
    return refusal.code, refusal.reason, dict(refusal.violations)


async def make_due(desk: Desk, config_id: str) -> None:
    """Let a schedule be due at this very moment: its times are changed to others, and then back."""
    (kept,) = [one for one in await desk.journal.list_schedules("acme") if str(one.schedule_id) == config_id]
    now = await desk.journal.ping()
    await desk.journal.put_schedule(attrs.evolve(kept, cron="1 1 1 1 *", next_due=now + timedelta(days=9)))
    await desk.journal.put_schedule(attrs.evolve(kept, next_due=now))
