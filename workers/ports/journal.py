"""The durable record of runs, in the parts that callers, workers and upkeep reach; schedules stand in timetable.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from workers.model.bookmark import Bookmark
from workers.model.failure import Reason
from workers.model.lease import Added, Beat, Depth, KnownKey, Lease, Mark, NewRun, Parcel, QuotaCount
from workers.model.pause import Pause
from workers.model.run import Run, RunEvent, RunStatus
from workers.model.situation import Situation
from workers.ports.notices import Notices
from workers.ports.plain import Row
from workers.ports.timetable import Queue, Rounds, Timetable


class Intake(Protocol):
    """The part of the journal that callers reach.

    Every method raises FailedError(SERVICE_UNAVAILABLE) when the journal is away or its answer stays unknown.
    """

    async def add(self, new: NewRun) -> Added:
        """Accept a run durably, in one commit, exactly once for a key; its audit row goes to the outbox with it.

        Raises FailedError with IDEMPOTENCY_MISMATCH, QUOTA_EXCEEDED, QUEUE_FULL (both with retry_after), or
        SERVICE_UNAVAILABLE when the global bound is reached.
        """

    async def find_key(self, org: str, idempotency_key: str) -> KnownKey | None:
        """Return the run that the key stands for."""

    async def find_run(self, org: str, run_id: UUID) -> Run | None:
        """Return the run with its steps; None when absent or another organisation's."""

    async def list_runs(
        self,
        org: str,
        *,
        pipeline_id: str = "",
        status: RunStatus | None = None,
        before: tuple[datetime, UUID] | None = None,
        limit: int = 20,
    ) -> tuple[Run, ...]:
        """Return runs without steps, newest first, older than `before`."""

    async def events(self, run_id: UUID, after: int, limit: int = 500) -> tuple[RunEvent, ...]:
        """Return stored events with a larger sequence, in order."""

    async def cancel(self, org: str, run_id: UUID, audit: Row | None = None) -> Run | None:
        """Cancel a waiting run, ask a running one to stop, return an ended one as it is; None when absent.

        Unless the run is absent, `audit` is handed to the outbox in the same commit.
        """

    async def situation(self, org: str, run_id: UUID) -> Situation | None:
        """Return the run and what stands around it, of one moment; None when absent or another organisation's."""

    async def audit(self, entry: Row) -> None:
        """Hand an audit row to the outbox."""

    async def take(self, key: str, *, per_minute: float, burst: int, amount: int = 1) -> float:
        """Take from a rate budget that all replicas share; return 0 when taken, else seconds until it could be."""


class Dispatch(Protocol):
    """The part of the journal that workers reach."""

    async def claim(self, worker: str, free: int) -> tuple[Lease, ...]:
        """Lease up to `free` runs fairly; each is RUNNING (or CANCELLING) with its attempt counted."""

    async def heartbeat(self, worker: str, held: Mapping[UUID, int]) -> tuple[Beat, ...]:
        """Renew leases given as run → fence; what is missing from the answer is lost."""

    async def record(self, lease: Lease, *marks: Mark) -> None:
        """Write marks in order, in one commit; raises StaleFenceError when the lease is not the run's any more."""

    async def snooze(
        self, lease: Lease, delay: float, why: str, pause: Pause = Pause.ASKED, failure: Reason | None = None
    ) -> None:
        """Give the slot back and take the run up again after `delay` seconds; its attempt is restored.

        What it waits for is told to whoever asks; `failure` is what is tried again.
        """

    async def attend(self, worker: str, slots: int, seconds: float) -> None:
        """Make known that a worker with so many slots is there for as long; releasing its leases ends that."""

    async def release(self, worker: str) -> int:
        """Give every lease of a stopping worker back, attempts restored; return how many."""

    async def recover(self, worker: str) -> int:
        """Take back the leases of this worker's crashed former self; return how many."""

    async def declare(self, config_hash: str, source: str) -> None:
        """Keep a declaration for the runs that are pinned to it."""

    async def bookmark(self, org: str, pipeline_id: str, step_id: str) -> Bookmark:
        """Return how far a step of a pipeline has read, as its last outcome with a bookmark left it."""

    async def declaration(self, config_hash: str) -> str | None:
        """Return a kept declaration."""

    def on_wake(self, call: Callable[[], None]) -> None:
        """Call this when work may have come, here or on another replica. A missed call only costs a poll."""


class Upkeep(Protocol):
    """The part of the journal that keeps it in order."""

    async def reap(self) -> int:
        """Take back expired leases and wake what is due; return how many leases were taken back."""

    async def sweep(self) -> tuple[str, ...]:
        """Compare lane counters with counts and repair; return what was wrong, in words."""

    async def prune(self, before: datetime) -> int:
        """Delete runs that ended earlier with all they own, and declarations without a run; return how many runs."""

    async def parcels(self, kind: str, limit: int) -> tuple[Parcel, ...]:
        """Return the oldest unpublished batch of a kind; seal a new one of up to `limit` parcels when there is none."""

    async def published(self, parcels: Sequence[int]) -> None:
        """Forget parcels of a batch that is in the warehouse; what was set aside meanwhile stays."""

    async def set_aside(self, parcels: Sequence[int]) -> None:
        """Keep parcels out of every batch, as `KIND unread`, until somebody has mended what they are about."""

    async def runs(self, run_ids: Sequence[UUID]) -> tuple[Run, ...]:
        """Return runs with their steps, of any organisation, for publishing; those that can be read."""

    async def pages_read(self, run_ids: Sequence[UUID]) -> Mapping[UUID, int]:
        """Return how many pages of providers each run has read; a run without any is absent."""

    async def note_uses(self, uses: Sequence[Row]) -> None:
        """Hand uses of organisations' keys {org, key_id, at} to the outbox."""

    async def quotas(self, keys: Sequence[tuple[str, date]]) -> tuple[QuotaCount, ...]:
        """Return counters of organisations and days, in the order asked for."""

    def lead(self, role: str) -> AbstractAsyncContextManager[bool]:
        """Hold the fleet-wide lock of a role while inside; False when another replica has it."""

    async def depth(self) -> Depth:
        """Return how much waits and runs."""

    async def ping(self) -> datetime:
        """Return the database's time."""


class Journal(Intake, Dispatch, Upkeep, Timetable, Rounds, Queue, Notices, Protocol):
    """The durable record of every run and schedule."""
