"""When each key was last used: noted in memory, handed to the journal's outbox at most once an interval for a key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import structlog

from workers.model.failure import FailedError
from workers.model.org import OrgKey
from workers.ports import Clock, Row

log = structlog.get_logger()


class UseBook(Protocol):
    """Takes what is noted; the journal is one."""

    async def note_uses(self, uses: Sequence[Row]) -> None:
        """Hand uses {org, key_id, at} to the outbox; raises FailedError(SERVICE_UNAVAILABLE)."""


class KeyUse:
    """An actor. What is noted is lost with the process, an interval's worth at most; no call waits for it."""

    def __init__(self, book: UseBook, clock: Clock, interval: float = 60.0) -> None:
        self._book = book
        self._clock = clock
        self._interval = interval
        self._latest: dict[tuple[str, str], datetime] = {}

    def note(self, key: OrgKey) -> None:
        """Take up that a key was accepted now."""
        self._latest[key.org_slug, key.key_id] = self._clock.now()

    async def run(self) -> None:
        """Hand on what was noted, for ever."""
        while True:
            await self._clock.sleep(self._interval)
            await self.flush()

    async def flush(self) -> None:
        """Hand on what was noted; while the journal is away it is kept."""
        taken, self._latest = self._latest, {}
        if not taken:
            return
        try:
            await self._book.note_uses(
                [{"org": org, "key_id": key_id, "at": at.isoformat()} for (org, key_id), at in taken.items()]
            )
        except FailedError as error:
            self._latest = {**taken, **self._latest}
            log.warning("uses of keys put off", reason=error.failure.reason)
