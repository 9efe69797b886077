"""The part of the journal that keeps it in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from uuid import UUID

from workers.adapters.journal.encode import to_json
from workers.adapters.journal.errors import ENGINE_ERRORS, AwayError
from workers.adapters.journal.room import Room
from workers.adapters.journal.rows import each_readable, lane_depth_of, parcel_of, run_of
from workers.adapters.journal.statements import statements
from workers.model.lease import Depth, Parcel, QuotaCount
from workers.model.run import Run
from workers.ports import Row

_PRUNED_AT_ONCE = 1000
# Parcels that are read between two turns of the loop.
_READ_AT_ONCE = 250


class PostgresUpkeep:
    """Implements ports.Upkeep."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._workers = room.workers

    async def reap(self) -> int:
        """Take back expired leases and wake what is due; see ports.Upkeep."""
        count: int = await self._workers.fetch_value("reap", self._room.lease_seconds)
        if count:
            self._room.bell.ring()
        return count

    async def sweep(self) -> tuple[str, ...]:
        """Repair counters; see ports.Upkeep. Old idempotency keys go too."""
        return tuple(row["s"] for row in await self._workers.fetch("sweep", self._room.lease_seconds))

    async def prune(self, before: datetime) -> int:
        """Delete old runs except those the outbox still holds, then what nobody refers to any more; see ports.Upkeep.

        Each commit takes a thousand at most, and others have their turn between two of them.
        """
        total = 0
        while count := await self._workers.fetch_value("prune", before, _PRUNED_AT_ONCE):
            total += count
        await self._workers.fetch("forget", before)
        await self._workers.fetch("prune_schedules", before)
        await self._workers.fetch("prune_told", before)
        return total

    async def parcels(self, kind: str, limit: int) -> tuple[Parcel, ...]:
        """Return the oldest batch: run {run_id}, quota {org, day}, audit (the entry itself); see ports.Upkeep."""
        rows = await self._workers.fetch("parcels", kind, limit)
        found = list[Parcel]()
        for start in range(0, len(rows), _READ_AT_ONCE):
            found += map(parcel_of, rows[start : start + _READ_AT_ONCE])
            await asyncio.sleep(0)
        return tuple(found)

    async def published(self, parcels: Sequence[int]) -> None:
        """Forget parcels of a batch; see ports.Upkeep."""
        await self._workers.fetch("published", list(parcels))

    async def set_aside(self, parcels: Sequence[int]) -> None:
        """Keep parcels out of every batch; see ports.Upkeep."""
        await self._workers.fetch("set_aside", list(parcels))

    async def runs(self, run_ids: Sequence[UUID]) -> tuple[Run, ...]:
        """Return runs with their steps, in no order; what is wrong with one row keeps no other back."""
        return each_readable(run_of, await self._workers.fetch("runs", list(run_ids)))

    async def pages_read(self, run_ids: Sequence[UUID]) -> Mapping[UUID, int]:
        """Return how many pages each run has read."""
        return {row["run_id"]: row["pages"] for row in await self._workers.fetch("pages_read", list(run_ids))}

    async def note_uses(self, uses: Sequence[Row]) -> None:
        """Hand uses of keys {org, key_id, at} to the outbox."""
        await self._workers.fetch("note_uses", to_json([dict(use) for use in uses]))

    async def quotas(self, keys: Sequence[tuple[str, date]]) -> tuple[QuotaCount, ...]:
        """Return counters of organisations and days, in the order asked for."""
        rows = await self._workers.fetch("quotas", [org for org, _ in keys], [day for _, day in keys])
        return tuple(QuotaCount(*row) for row in rows)

    @asynccontextmanager
    async def lead(self, role: str) -> AsyncIterator[bool]:
        """Hold a role's lock on a connection of its own, which ends with the process; see ports.Upkeep."""
        connection = await self._room.address.connect()
        try:
            try:
                leads: bool = await connection.fetchval(statements()["lead"], role)
            except ENGINE_ERRORS as error:
                raise AwayError from error
            yield leads
        finally:
            connection.terminate()

    async def depth(self) -> Depth:
        """Return how much waits and runs."""
        lanes = tuple(map(lane_depth_of, await self._workers.fetch("depth")))
        around = await self._workers.fetch_one("surroundings")
        return Depth(lanes, *(around or (0, 0.0)))

    async def ping(self) -> datetime:
        """Return the database's time."""
        now: datetime = await self._workers.fetch_value("ping")
        return now
