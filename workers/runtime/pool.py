"""Workers and what feeds them: claims runs from the journal, hands them out by organisation, keeps their leases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from attrs import frozen

from workers.model.failure import FailedError
from workers.model.lease import Lease
from workers.ports import Clock, Dispatch
from workers.runtime.holdings import Holdings, Interruption
from workers.runtime.mailboxes import Mailboxes
from workers.runtime.supervisor import Supervisor

log = structlog.get_logger()

Run = Callable[[Lease, asyncio.Future[Interruption]], Coroutine[Any, Any, None]]


@frozen
class PoolTerms:
    """How much a replica takes on, in runs and seconds; `worker` is its name in the journal."""

    worker: str
    slots: int = 100
    lease_seconds: float = 30.0
    heartbeat_seconds: float = 10.0
    shortest_poll: float = 0.05
    longest_poll: float = 0.25

    @property
    def fenced_after(self) -> float:
        """Seconds without a renewal after which a run here must have no more effects."""
        return 0.8 * self.lease_seconds


class Pool:
    """A claimer, a heartbeat and `slots` workers under one supervisor."""

    def __init__(
        self,
        terms: PoolTerms,
        dispatch: Dispatch,
        run: Run,
        supervisor: Supervisor,
        clock: Clock,
        roll: Callable[[], float],
    ) -> None:
        self._terms = terms
        self._dispatch = dispatch
        self._run = run
        self._supervisor = supervisor
        self._clock = clock
        self._roll = roll
        self._held = Holdings()
        self._mailboxes = Mailboxes(terms.slots)
        self._woken = asyncio.Event()
        self._empty = asyncio.Event()
        self._open = True
        dispatch.on_wake(self._woken.set)

    def start(self) -> None:
        """Put the actors under the supervisor."""
        for number in range(self._terms.slots):
            self._supervisor.add(f"worker-{number}", self._work)
        self._supervisor.add("heartbeat", self._keep_leases)
        self._supervisor.add("fence", self._fence_overdue)
        self._supervisor.add("claimer", self._claim)

    async def stop(self, grace: float, hurry: asyncio.Event) -> int:
        """Claim nothing more, let runs end for `grace` seconds or until `hurry`, interrupt the rest, give leases back.

        Returns how many leases were given back.
        """
        self._open = False
        await self._drained(grace, hurry)
        for lease in self._mailboxes.clear():
            self._drop(lease)
        for holding in self._held:
            holding.interrupt(Interruption.STOPPING)
        await self._drained(self._terms.heartbeat_seconds)
        return await self._dispatch.release(self._terms.worker)

    async def _drained(self, seconds: float, hurry: asyncio.Event | None = None) -> None:
        try:
            async with asyncio.timeout(seconds):
                while len(self._held) and not (hurry and hurry.is_set()):
                    self._empty.clear()
                    await self._any_of(self._empty, hurry)
        except TimeoutError:
            log.info("runs still held", held=len(self._held))

    async def _any_of(self, *events: asyncio.Event | None) -> None:
        waits = {self._supervisor.spawn(event.wait()) for event in events if event is not None}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _claim(self) -> None:
        while self._open:
            self._woken.clear()
            free = self._terms.slots - len(self._held)
            leases = await self._dispatch.claim(self._terms.worker, free) if free > 0 else ()
            for lease in leases:
                self._held.hold(lease, self._clock.monotonic())
                self._mailboxes.put(lease)
            if not leases:
                await self._until_woken()

    async def _until_woken(self) -> None:
        terms = self._terms
        pause = terms.shortest_poll + self._roll() * (terms.longest_poll - terms.shortest_poll)
        try:
            async with asyncio.timeout(pause):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _work(self) -> None:
        while True:
            lease = await self._mailboxes.take()
            holding = self._held.of(lease.run.run_id)
            if holding is None:
                continue
            try:
                await self._run(lease, holding.interrupted)
            finally:
                self._held.drop(holding)
                self._freed()

    def _drop(self, lease: Lease) -> None:
        holding = self._held.of(lease.run.run_id)
        if holding is not None:
            self._held.drop(holding)
            self._freed()

    def _freed(self) -> None:
        self._woken.set()
        if not len(self._held):
            self._empty.set()

    async def _keep_leases(self) -> None:
        while True:
            await self._clock.sleep(self._terms.heartbeat_seconds * (0.9 + 0.2 * self._roll()))
            if not len(self._held):
                continue
            asked = self._clock.monotonic()
            try:
                async with asyncio.timeout(self._terms.heartbeat_seconds):
                    beats = await self._dispatch.heartbeat(self._terms.worker, self._held.fences)
            except (FailedError, TimeoutError):
                log.warning("heartbeat failed", held=len(self._held))
                continue
            self._heed(asked, {beat.run_id: beat.cancelling for beat in beats})

    def _heed(self, asked: float, renewed: dict[Any, bool]) -> None:
        for holding in self._held:
            cancelling = renewed.get(holding.lease.run.run_id)
            if cancelling is not None:
                holding.renewed = asked
                if cancelling:
                    holding.interrupt(Interruption.CANCEL)
            elif holding.renewed < asked:
                holding.interrupt(Interruption.LOST)

    async def _fence_overdue(self) -> None:
        """Stop the effects of runs whose lease may soon be another's; a hanging heartbeat cannot delay this."""
        while True:
            await self._clock.sleep(self._terms.lease_seconds / 30)
            limit = self._clock.monotonic() - self._terms.fenced_after
            for holding in self._held:
                if holding.renewed < limit:
                    holding.interrupt(Interruption.LOST)
