"""Says in the journal that this replica is there and how many slots it has, so that others can tell why runs wait."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from attrs import frozen

from workers.model.failure import FailedError
from workers.ports import Clock, Dispatch
from workers.runtime.supervisor import Supervisor

log = structlog.get_logger()


@frozen
class Attendance:
    """One actor, silent once `is_open` denies it; what it said last holds for a lease's time at the longest."""

    worker: str
    slots: int
    lease_seconds: float
    heartbeat_seconds: float
    dispatch: Dispatch
    is_open: Callable[[], bool]
    clock: Clock

    def start(self, supervisor: Supervisor) -> None:
        """Put the actor under the supervisor."""
        supervisor.add("attendance", self._attend)

    async def _attend(self) -> None:
        while self.is_open():
            try:
                await self.dispatch.attend(self.worker, self.slots, self.lease_seconds)
            except FailedError as error:
                log.warning("attendance not noted", reason=error.failure.reason)
            await self.clock.sleep(self.heartbeat_seconds)
