"""The workers' part of the journal."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from uuid import UUID

from workers.adapters.journal.encode import to_text
from workers.adapters.journal.errors import UnknownOutcomeError
from workers.adapters.journal.recorder import Recorder
from workers.adapters.journal.room import Room
from workers.adapters.journal.rows import each_readable, lease_of
from workers.model.bookmark import Bookmark
from workers.model.failure import Reason
from workers.model.lease import Beat, Lease, Mark, StaleFenceError
from workers.model.pause import Pause


class PostgresDispatch:
    """Implements ports.Dispatch."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._workers = room.workers
        self._recorder = Recorder(room)

    async def claim(self, worker: str, free: int) -> tuple[Lease, ...]:
        """Lease up to `free` runs fairly; see ports.Dispatch.

        A lost answer is looked up by the claim's own ticket. A run that cannot be read is left out: its lease expires,
        as if its worker had died, until a newer release reads it or it is quarantined.
        """
        room = self._room
        ticket = next(room.numbers)
        try:
            rows = await self._workers.fetch("claim", worker, free, room.lease_seconds, ticket, *room.suspicion.terms)
        except UnknownOutcomeError as lost:
            await self._workers.settle(lost)
            rows = await self._workers.fetch("claimed", worker, ticket)
        if rows:
            room.failpoint("claim.after")
        return each_readable(lease_of, rows)

    async def heartbeat(self, worker: str, held: Mapping[UUID, int]) -> tuple[Beat, ...]:
        """Renew leases; see ports.Dispatch."""
        term = self._room.lease_seconds
        rows = await self._workers.fetch("heartbeat", worker, list(held), list(held.values()), term)
        return tuple(Beat(row["run_id"], row["cancelling"]) for row in rows)

    async def record(self, lease: Lease, *marks: Mark) -> None:
        """Write marks in one commit; see ports.Dispatch.

        Raises TransitionError when a RunEnded names a status that `advance` does not allow; then nothing is written.
        """
        await self._recorder.record(lease, marks)

    async def snooze(
        self, lease: Lease, delay: float, why: str, pause: Pause = Pause.ASKED, failure: Reason | None = None
    ) -> None:
        """Set a run aside; see ports.Dispatch. Raises StaleFenceError."""
        wait = (delay, to_text(why), pause, failure or "")
        if not await self._workers.fetch_value("snooze", lease.run.run_id, lease.fence, *wait):
            raise StaleFenceError("the lease is not the run's any more")
        self._room.bell.ring()

    async def attend(self, worker: str, slots: int, seconds: float) -> None:
        """Make a worker known; see ports.Dispatch."""
        await self._workers.fetch("attend", worker, slots, seconds)

    async def release(self, worker: str) -> int:
        """Give every lease back; see ports.Dispatch."""
        return await self._returned("release", worker)

    async def recover(self, worker: str) -> int:
        """Take back what a crashed former self held; see ports.Dispatch."""
        return await self._returned("recover", worker)

    async def declare(self, config_hash: str, source: str) -> None:
        """Keep a declaration."""
        await self._workers.fetch("declare", config_hash, source)

    async def declaration(self, config_hash: str) -> str | None:
        """Return a kept declaration."""
        source: str | None = await self._workers.fetch_value("declaration", config_hash)
        return source

    async def bookmark(self, org: str, pipeline_id: str, step_id: str) -> Bookmark:
        """Return how far a step has read; see ports.Dispatch."""
        row = await self._workers.fetch_one("bookmark", org, pipeline_id, step_id)
        return Bookmark(json.loads(row["value"]), row["version"]) if row else Bookmark()

    def on_wake(self, call: Callable[[], None]) -> None:
        """Call this when work may have come; see ports.Dispatch."""
        self._room.bell.on_ring(call)

    async def listen(self) -> None:
        """Carry wakes between replicas, until cancelled. Without it other replicas' work is found by polling."""
        await self._room.bell.listen()

    async def _returned(self, how: str, worker: str) -> int:
        count: int = await self._workers.fetch_value(how, worker)
        if count:
            self._room.bell.ring()
        return count
