"""The organisation directory: keys, subscriptions and integrations from BigQuery, as one snapshot held in memory.

A snapshot is begun every 20 s (± 5), so a revoked key is out within 30 s. Callers wait for BigQuery only when what
they ask for is not in it, and then share one early snapshot a second. While BigQuery is away the last good snapshot
serves for 15 minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import TypeVar

import structlog
from prometheus_client import Gauge

from workers.catalog.plans import Plans
from workers.catalog.snapshot import NOTHING, Snapshot, snapshot_of
from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.org import Org, OrgKey
from workers.ports import CentralWarehouse, Clock, Row, Schemas

T = TypeVar("T")

INTERVAL, SPREAD = 20.0, 5.0
AFTER_FAILURE = 5.0
EARLY_EVERY = 1.0
EARLY_PATIENCE = 5.0
SERVES_FOR = 15 * 60.0

AGE = Gauge("directory_age_seconds", "Age of the organisation directory's snapshot")

log = structlog.get_logger(__name__)


class Directory:
    """Knows organisations and their keys; `roll` gives chance in [0, 1)."""

    def __init__(
        self,
        central: CentralWarehouse,
        schemas: Schemas,
        plans: Plans,
        clock: Clock,
        roll: Callable[[], float],
        canonical: Callable[[str], str] = str.upper,
    ) -> None:
        self._central = central
        self._sql = schemas.sql("system/sql/directory.sql")
        self._plans = plans
        self._clock = clock
        self._roll = roll
        self._canonical = canonical
        self._snapshot: Snapshot | None = None
        self._taken_at = 0.0
        self._early_at = -EARLY_EVERY
        self._attempts = 0
        self._failure: Failure | None = None
        self._loading = asyncio.Lock()
        AGE.set_function(self.age)

    async def find_key(self, sha256_hex: str) -> OrgKey | None:
        """Return the active, unexpired key with this hash; raises FailedError(SERVICE_UNAVAILABLE)."""
        found = await self._find(lambda snapshot: snapshot.keys.get(sha256_hex))
        expired = found is not None and found.expires_at is not None and found.expires_at <= self._clock.now()
        return None if expired else found

    async def org(self, slug: str) -> Org | None:
        """Return the organisation, whatever its status; raises FailedError(SERVICE_UNAVAILABLE)."""
        return await self._find(lambda snapshot: snapshot.orgs.get(slug))

    async def refresh(self) -> None:
        """Take a snapshot, or share the one that somebody else is taking; raises the FailedError of BigQuery."""
        seen = self._attempts
        async with self._loading:
            if self._attempts == seen:
                await self._load()
        if self._failure is not None:
            raise FailedError(self._failure)

    async def run(self) -> None:
        """Keep the snapshot fresh until cancelled."""
        while True:
            began = self._clock.monotonic()
            try:
                await self.refresh()
                due = began + INTERVAL + SPREAD * (2 * self._roll() - 1)
                wait = max(AFTER_FAILURE, due - self._clock.monotonic())
            except FailedError as error:
                log.warning("directory not refreshed", reason=error.failure.reason, age=round(self.age(), 1))
                wait = AFTER_FAILURE
            await self._clock.sleep(wait)

    def age(self) -> float:
        """Return the seconds since the snapshot was taken; infinite before the first."""
        return self._clock.monotonic() - self._taken_at if self._snapshot else float("inf")

    async def _find(self, pick: Callable[[Snapshot], T | None]) -> T | None:
        found = pick(self._current()) if self._snapshot else None
        if found is None:
            await self._early()
            found = pick(self._current())
        return found

    def _current(self) -> Snapshot:
        if self._snapshot is not None and self.age() <= SERVES_FOR:
            return self._snapshot
        message = "the organisation directory cannot be read at the moment"
        raise FailedError(
            Failure(Code.UNAVAILABLE, Reason.SERVICE_UNAVAILABLE, message, retryable=True, retry_after=AFTER_FAILURE)
        )

    async def _early(self) -> None:
        """Take or share a snapshot because of a miss, at most one a second; the last one stays when it fails."""
        if not self._loading.locked():
            now = self._clock.monotonic()
            if now - self._early_at < EARLY_EVERY:
                return
            self._early_at = now
        with contextlib.suppress(FailedError, TimeoutError):
            async with asyncio.timeout(EARLY_PATIENCE):
                await self.refresh()

    async def _load(self) -> None:
        taken_at = self._clock.monotonic()
        try:
            self._snapshot = await self._central.read(self._sql, {}, self._snapshot_of)
        except FailedError as error:
            self._failure = error.failure
        else:
            self._taken_at, self._failure = taken_at, None
            if self._snapshot.doubtful:
                log.warning("directory rows left out", rows=self._snapshot.doubtful)
        self._attempts += 1

    def _snapshot_of(self, rows: Iterable[Row]) -> Snapshot:
        return snapshot_of(rows, self._plans, self._canonical, self._snapshot or NOTHING)
