"""Schedules on the wall of a workshop, and the clock they go by."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import asyncpg
from attrs import evolve, frozen

from tests.fakes.workshop import Workshop
from workers.model.timetable import Occurrence, Schedule


@frozen
class Wall:
    """A workshop with schedules on its wall, and the clock they go by: the database's."""

    shop: Workshop
    database: asyncpg.Connection[asyncpg.Record]

    async def put(self, *, days_ago: int = 0, **changes: Any) -> Schedule:
        """Put a daily schedule that is due now, or was next due at a midnight."""
        now = await self.shop.journal.ping()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        due = midnight - timedelta(days=days_ago) if days_ago else now
        schedule = Schedule(uuid.uuid4(), "acme", "lab", "test", "flow", uuid.uuid4().hex, "0 0 * * *", next_due=due)
        return await self.shop.journal.put_schedule(evolve(schedule, **changes))

    async def look(self) -> None:
        await self.shop.scheduler().attend()

    async def rows(self, schedule: Schedule) -> list[Occurrence]:
        """Return its occurrences, oldest first."""
        return list(reversed(await self.shop.journal.occurrences("acme", schedule.schedule_id, limit=1000)))

    async def states(self, schedule: Schedule) -> list[str]:
        return [row.state.value for row in await self.rows(schedule)]

    async def over(self, **parts: Any) -> None:
        """Take every run that waits to its end."""
        self.shop.parts.update(parts)
        for lease in await self.shop.journal.claim("w1", 100):
            await self.shop.runner().run(lease, asyncio.get_running_loop().create_future())

    async def later(self, seconds: float) -> None:
        """Let all that was written stand as if it had been so much earlier."""
        shift = timedelta(seconds=seconds)
        await self.database.execute(
            "UPDATE occurrence SET retry_at = retry_at - $1::interval, act_at = act_at - $1::interval", shift
        )
        await self.database.execute(
            "UPDATE schedule SET look_at = look_at - $1::interval, held_until = held_until - $1::interval", shift
        )
