"""Has the loss of a part of this replica told: an actor that was given up is news for whoever runs the service."""

from __future__ import annotations

from attrs import define, field

from workers.model.failure import FailedError
from workers.model.notice import Event
from workers.ports import Clock, Notices
from workers.runtime.supervisor import Supervisor


@define
class Alarm:
    """An actor; looks every `interval` seconds."""

    supervisor: Supervisor
    notices: Notices
    clock: Clock
    worker: str
    interval: float = 1.0
    _told: set[str] = field(factory=set)

    def start(self) -> None:
        """Put the actor under the supervisor."""
        self.supervisor.add("alarm", self.run)

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await self.clock.sleep(self.interval)

    async def look(self) -> None:
        """Tell of every actor that is down and was not told of yet."""
        for name in sorted(self.supervisor.down - self._told):
            why = f"has given up its {name}: it died too often; replica {self.worker}"
            try:
                await self.notices.tell({"about": "service", "event": Event.SYSTEM_ERROR, "why": why})
            except FailedError:
                return
            self._told.add(name)
