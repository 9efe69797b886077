"""Follows a run: replays its events from any sequence, then waits for more, and always ends with the terminal one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

from attrs import frozen

from workers.model.failure import Code, Reason, refused
from workers.model.run import EventType, Run, RunEvent
from workers.ports import Clock, Intake


@frozen
class Watch:
    """How often to look, in seconds, and how often to say that the stream lives."""

    journal: Intake
    clock: Clock
    poll: float = 0.25
    heartbeat: float = 3.0

    async def follow(self, org: str, run_id: UUID, after: int) -> AsyncIterator[RunEvent]:
        """Yield events with a larger sequence than `after` until TERMINAL; raises RUN_NOT_FOUND before the first.

        The last event is written with the end itself, so the run is looked at again only for a heartbeat.
        """
        run = await self._run(org, run_id)
        last, spoke = after, self.clock.monotonic()
        while True:
            events = await self.journal.events(run_id, last)
            for event in events:
                yield event
                if event.type is EventType.TERMINAL:
                    return
                last, spoke = event.sequence, self.clock.monotonic()
            if events:
                continue
            if run.status.terminal:
                yield _ending(run, last)
                return
            if self.clock.monotonic() - spoke < self.heartbeat:
                await self.clock.sleep(self.poll)
                continue
            run, spoke = await self._run(org, run_id), self.clock.monotonic()
            if not run.status.terminal:
                yield RunEvent(last, self.clock.now(), EventType.HEARTBEAT, status=run.status)

    async def _run(self, org: str, run_id: UUID) -> Run:
        run = await self.journal.find_run(org, run_id)
        if run is None:
            raise refused(Code.NOT_FOUND, Reason.RUN_NOT_FOUND, "there is no such run")
        return run


def _ending(run: Run, last: int) -> RunEvent:
    """Repeat how a run ended to a watcher who had seen all of it."""
    return RunEvent(last, run.end_time or run.created_at, EventType.TERMINAL, status=run.status, error=run.error)
