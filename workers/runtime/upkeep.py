"""Keeps the journal in order: takes back what died, repairs counters, forgets history, shows how much waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import product

import structlog
from attrs import frozen
from prometheus_client import Counter, Gauge

from workers.model.failure import FailedError
from workers.model.fairness import Contest
from workers.model.lane import LaneClasses
from workers.ports import Clock, Upkeep
from workers.runtime.supervisor import Supervisor

log = structlog.get_logger()

waiting = Gauge("runs_waiting", "Runs that could start if a slot were free, by class of lane", ["lane"])
delayed = Gauge("runs_delayed", "Runs that wait for a time, by class of lane", ["lane"])
running = Gauge("runs_running", "Slots leased on all replicas, by class of lane", ["lane"])
oldest = Gauge("oldest_wait_seconds", "How long the oldest startable run has waited, by class of lane", ["lane"])
fairness = Gauge("slots_jain_index", "Jain's index of slots over weight in competing lanes, by class of lane", ["lane"])
fairness_of_all = Gauge("slots_jain_index_all", "Jain's index of slots over weight in all competing lanes")
unpublished = Gauge("outbox_parcels", "Parcels the warehouse has not got yet")
oldest_transaction = Gauge("journal_oldest_transaction_seconds", "How long anybody's transaction has been open")
reaped = Counter("leases_reaped_total", "Leases that expired and were taken back")
drifted = Counter("lane_drift_total", "Lane counters that did not match and were repaired")

LONG_TRANSACTION = 60.0


@frozen
class Caretaker:
    """Four actors; `lanes` names the classes shown; intervals in seconds, retention in days."""

    journal: Upkeep
    lanes: LaneClasses
    clock: Clock
    roll: Callable[[], float]
    reap_seconds: float = 5.0
    sweep_seconds: float = 60.0
    prune_seconds: float = 3600.0
    depth_seconds: float = 5.0
    retention_days: int = 90

    def start(self, supervisor: Supervisor) -> None:
        """Put the actors under the supervisor; every class of lane is shown from now on."""
        for gauge, name in product((waiting, delayed, running, oldest), self.lanes.names):
            gauge.labels(name)
        fairness_of_all.set(1.0)
        supervisor.add("reaper", lambda: self._every(self.reap_seconds, self._reap))
        supervisor.add("sweeper", lambda: self._every(self.sweep_seconds, self._sweep))
        supervisor.add("pruner", lambda: self._every(self.prune_seconds, self._prune))
        supervisor.add("depth", lambda: self._every(self.depth_seconds, self._depth))

    async def _every(self, seconds: float, duty: Callable[[], Awaitable[None]]) -> None:
        while True:
            await self.clock.sleep(seconds * (0.8 + 0.4 * self.roll()))
            try:
                await duty()
            except FailedError as error:
                log.warning("upkeep put off", reason=error.failure.reason)

    async def _reap(self) -> None:
        if taken := await self.journal.reap():
            reaped.inc(taken)
            log.warning("expired leases taken back", leases=taken)

    async def _sweep(self) -> None:
        for finding in await self.journal.sweep():
            drifted.inc()
            log.error("lane counters repaired", finding=finding)

    async def _prune(self) -> None:
        pruned = await self.journal.prune(self.clock.now() - timedelta(days=self.retention_days))
        if pruned:
            log.info("history pruned", runs=pruned)

    async def _depth(self) -> None:
        depth = await self.journal.depth()
        unpublished.set(depth.outbox)
        oldest_transaction.set(depth.oldest_transaction)
        if depth.oldest_transaction > LONG_TRANSACTION:
            log.warning("a transaction stays open on the journal", seconds=round(depth.oldest_transaction))
        fairness_of_all.set(sum((lane.contest for lane in depth.lanes), Contest()).index)
        for name in self.lanes.names:
            alike = [lane for lane in depth.lanes if self.lanes.of(lane.weight) == name]
            waiting.labels(name).set(sum(lane.waiting for lane in alike))
            delayed.labels(name).set(sum(lane.delayed for lane in alike))
            running.labels(name).set(sum(lane.running for lane in alike))
            oldest.labels(name).set(max((lane.oldest_wait for lane in alike), default=0.0))
            fairness.labels(name).set(sum((lane.contest for lane in alike), Contest()).index)
