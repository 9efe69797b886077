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
from workers.runtime.attendance import Attendance
from workers.runtime.holdings import Holdings, Interruption
from workers.runtime.leases import LeaseKeeper
from workers.runtime.mailboxes import Mailboxes
from workers.runtime.supervisor import Supervisor

log = structlog.get_logger()

Run = Callable[[Lease, asyncio.Future[Interruption]], Coroutine[Any, Any, None]]

AWAY_SECONDS = 1.0
# Of the time to stop, what is left to runs that are interrupted before their leases are given back.
LAST_SHARE, LAST_SECONDS = 0.2, 1.5
REST_SECONDS, LONGEST_REST = 0.001, 0.02


@frozen
class PoolTerms:
    """How much a replica takes on, in runs and seconds; `worker` is its name in the journal."""

    worker: str
    slots: int = 100
    lease_seconds: float = 30.0
    heartbeat_seconds: float = 10.0
    shortest_poll: float = 0.05
    longest_poll: float = 0.25


class Pool:
    """A claimer, a heartbeat, a fence and `slots` workers under one supervisor."""

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
        self._claiming = asyncio.Lock()
        self._open = True
        dispatch.on_wake(self._woken.set)

    def start(self) -> None:
        """Put the actors under the supervisor."""
        for number in range(self._terms.slots):
            self._supervisor.add(f"worker-{number}", self._work)
        terms = self._terms
        LeaseKeeper(
            terms.worker,
            terms.lease_seconds,
            terms.heartbeat_seconds,
            self._dispatch,
            self._held,
            self._clock,
            self._roll,
        ).start(self._supervisor)
        Attendance(
            terms.worker,
            terms.slots,
            terms.lease_seconds,
            terms.heartbeat_seconds,
            self._dispatch,
            lambda: self._open,
            self._clock,
        ).start(self._supervisor)
        self._supervisor.add("claimer", self._claim)

    @property
    def held(self) -> int:
        """How many slots are taken."""
        return len(self._held)

    async def stop(self, grace: float, hurry: asyncio.Event) -> int:
        """Claim nothing more, let runs end until `hurry`, interrupt the rest, give leases back: all in `grace` seconds.

        Returns how many leases were given back; none when the journal is away, where they end by themselves.
        """
        self._open = False
        last = min(LAST_SHARE * grace, LAST_SECONDS)
        await self._drained(grace - last, hurry)
        for lease in self._mailboxes.clear():
            self._drop(lease)
        for holding in self._held:
            holding.interrupt(Interruption.STOPPING)
        await self._drained(last)
        try:
            async with self._claiming:
                return await self._dispatch.release(self._terms.worker)
        except FailedError as error:
            log.warning("leases not given back", reason=error.failure.reason)
            return 0

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
            try:
                orgs = await self._take_on()
            except FailedError as error:
                log.warning("claiming put off", reason=error.failure.reason)
                await self._clock.sleep(AWAY_SECONDS * (0.5 + self._roll()))
            else:
                await (self._clock.sleep(_rest(orgs)) if orgs else self._until_woken())

    async def _take_on(self) -> int:
        """Claim what there is room for and lay it into the mailboxes; return how many organisations got something."""
        async with self._claiming:
            free = self._terms.slots - len(self._held)
            if free <= 0 or not self._open:
                return 0
            asked = self._clock.monotonic()
            leases = await self._dispatch.claim(self._terms.worker, free)
            for lease in leases:
                self._held.hold(lease, asked)
                self._mailboxes.put(lease)
            return len({lease.run.org_slug for lease in leases})

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
            holding = self._held.of(lease)
            if holding is None:
                continue
            try:
                await self._run(lease, holding.interrupted)
            finally:
                self._drop(lease)

    def _drop(self, lease: Lease) -> None:
        holding = self._held.of(lease)
        if holding is not None:
            self._held.drop(holding)
        self._woken.set()
        if not len(self._held):
            self._empty.set()


def _rest(orgs: int) -> float:
    """Return how long the next claim waits for company: the more organisations share one, the more it should bring.

    Nobody waits so for a single organisation, however much of it was claimed.
    """
    return min(orgs * REST_SECONDS, LONGEST_REST)
