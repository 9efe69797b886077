"""The journal's rules once more, in memory and plain: what a run's place must be after each call."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from attrs import define, field

from workers.model.lease import Lease
from workers.model.run import RunStatus

CAPS = {"a": 1, "b": 2, "c": 4}
_LIVE = {RunStatus.PENDING, RunStatus.RUNNING, RunStatus.CANCELLING}


@define
class Shade:
    """A run."""

    run_id: UUID
    org: str
    rank: tuple[int, int]
    status: RunStatus = RunStatus.PENDING
    attempt: int = 0
    events: int = 1
    worker: str = ""
    fence: int = 0
    alone: bool = False
    suspect: bool = False
    patient: bool = False
    fresh: bool = False
    turn: int = 0
    crashes: int = 0
    asleep: bool = False

    @property
    def live(self) -> bool:
        return self.status in _LIVE

    @property
    def waiting(self) -> bool:
        return self.live and not self.worker and not self.asleep


@define
class Shadow:
    """All runs; `turns` orders suspects by when they were last alone, `tired` workers have had a turn lately."""

    runs: dict[UUID, Shade] = field(factory=dict)
    keys: dict[str, UUID] = field(factory=dict)
    turns: int = 0
    tired: set[str] = field(factory=set)
    last_fence: int = 0

    def add(self, org: str, run_id: UUID, priority: int) -> None:
        self.runs[run_id] = Shade(run_id, org, (priority, len(self.runs)), turn=self._turn())

    def _turn(self) -> int:
        self.turns += 1
        return self.turns

    def held(self, worker: str) -> list[Shade]:
        return [run for run in self.runs.values() if run.live and run.worker == worker]

    def room(self, org: str) -> int:
        return CAPS[org] - sum(bool(run.worker) and run.live for run in self.runs.values() if run.org == org)

    def heads(self, org: str) -> list[Shade]:
        ready = (run for run in self.runs.values() if run.org == org and run.waiting and not run.suspect)
        return sorted(ready, key=lambda run: run.rank)

    def suspect(self, *, patient: bool) -> Shade | None:
        waiting = (run for run in self.runs.values() if run.waiting and run.suspect and self.room(run.org) > 0)
        return min((run for run in waiting if run.patient >= patient), key=lambda run: run.turn, default=None)

    def check_claim(self, worker: str, free: int, leases: Iterable[Lease]) -> None:
        """Compare a claim with the rules, then follow it."""
        taken = [self.runs[lease.run.run_id] for lease in leases]
        held = self.held(worker)
        if any(run.alone and run.fresh for run in held):
            assert not taken
        elif alone := self._alone(worker, held):
            assert taken == [alone]
            self.tired.add(worker)
            alone.alone, alone.turn = True, self._turn()
        else:
            tried = not held or any(run.suspect and run.fresh for run in held)
            beside = None if tried else self.suspect(patient=True)
            self._check_heads(free, beside, taken)
            for run in held if taken else ():
                run.alone = False
        for lease in leases:
            self._start(lease, worker)

    def _alone(self, worker: str, held: list[Shade]) -> Shade | None:
        others = worker in self.tired and any(self.heads(org) and self.room(org) > 0 for org in CAPS)
        return None if held or others else self.suspect(patient=False)

    def _check_heads(self, free: int, beside: Shade | None, taken: list[Shade]) -> None:
        assert beside is None or beside in taken
        rooms = {org: self.room(org) - (beside is not None and beside.org == org) for org in CAPS}
        startable = sum(min(rooms[org], len(self.heads(org))) for org in CAPS)
        assert len(taken) == min(free - (beside is not None), startable) + (beside is not None)
        for org in CAPS:
            mine = [run for run in taken if run.org == org and run is not beside]
            assert mine == self.heads(org)[: len(mine)]

    def _start(self, lease: Lease, worker: str) -> None:
        run = self.runs[lease.run.run_id]
        assert lease.fence > self.last_fence or lease.fence not in {other.fence for other in self.runs.values()}
        self.last_fence = max(self.last_fence, lease.fence)
        run.worker, run.fence, run.fresh = worker, lease.fence, True
        run.attempt += 1
        run.events += 1
        if run.status is RunStatus.PENDING:
            run.status = RunStatus.RUNNING
        assert (lease.run.status, lease.run.attempt) == (run.status, run.attempt)

    def end(self, run: Shade, status: RunStatus) -> None:
        run.status, run.worker, run.asleep = status, "", False
        run.events += 1

    def give_back(self, run: Shade) -> None:
        run.worker, run.alone, run.attempt = "", False, run.attempt - 1
        self._wait(run)

    def crash(self, worker: str) -> int:
        held = self.held(worker)
        self.tired.discard(worker)
        for run in held:
            run.crashes += run.alone
            if run.crashes >= 3:
                self.end(run, RunStatus.QUARANTINED)
                continue
            run.worker, run.alone, run.suspect, run.patient = "", False, True, False
            self._wait(run)
        return len(held)

    def rest(self) -> None:
        """Let hours pass."""
        self.tired.clear()
        for run in self.runs.values():
            run.asleep = run.fresh = False
            run.patient = run.suspect

    @staticmethod
    def _wait(run: Shade) -> None:
        if run.status is RunStatus.RUNNING:
            run.status = RunStatus.PENDING

    def facts(self) -> dict[UUID, tuple[str, int, int]]:
        return {run.run_id: (run.status.value, run.attempt, run.events) for run in self.runs.values()}
