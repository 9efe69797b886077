from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.conformance.journal.conftest import Tasks, new_run
from tests.conformance.journal.shadow import CAPS, Shade, Shadow
from workers.adapters.journal import PostgresJournal
from workers.adapters.journal.room import Suspicion
from workers.model.lease import Lease, Logged, RunEnded, StaleFenceError
from workers.model.run import RunStatus, TransitionError

pytestmark = pytest.mark.engine

TABLES = (
    *("run", "queue", "step", "event", "receipt", "idempotency", "lane", "notice", "solitude", "outbox"),
    *("quota_started", "quota_ended", "quota_peak"),
)
HOURS = "interval '2 hours'"
FACTS = """
    SELECT n.run_id, n.status, n.attempt, count(e.sequence)::int, max(e.sequence)
    FROM run_now n JOIN event e USING (run_id) GROUP BY 1, 2, 3
"""
WORKERS = st.sampled_from(["w1", "w2"])
ORGS = st.sampled_from(sorted(CAPS))
ENDINGS = {
    RunStatus.RUNNING: {RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.TIMEOUT},
    RunStatus.CANCELLING: {RunStatus.CANCELLED, RunStatus.COMPLETED, RunStatus.FAILED},
}


class World:
    """One journal and one plain connection, on a loop of their own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()

    def open(self) -> None:
        self.journal = self.runner.run(self._open())

    async def _open(self) -> PostgresJournal:
        self.database = await asyncpg.connect(self.url)
        # Time passes only when the machine says so.
        opened = PostgresJournal.open(
            self.url, spawn=Tasks(), roll=random.Random(3).random, suspicion=Suspicion(3600, 3600)
        )
        return await self.stack.enter_async_context(opened)

    def close(self) -> None:
        self.runner.run(self.database.close())
        self.runner.run(self.stack.aclose())
        self.runner.close()

    def sql(self, command: str, *arguments: Any) -> list[Any]:
        return self.runner.run(self.database.fetch(command, *arguments))


class JournalMachine(RuleBasedStateMachine):
    """Calls in any order; after each, the journal stands where its shadow does."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        for table in TABLES:
            self.world.sql(f"DELETE FROM {table}")
        self.world.sql("UPDATE tally SET waiting = 0")
        self.shadow = Shadow()
        self.leases: list[Lease] = []

    def run(self, call: Any) -> Any:
        return self.world.runner.run(call)

    def shade(self, lease: Lease) -> Shade | None:
        """Return the run when the lease is still its lease."""
        run = self.shadow.runs[lease.run.run_id]
        return run if run.worker and run.fence == lease.fence else None

    @rule(org=ORGS, priority=st.sampled_from([50, 100]), key=st.sampled_from([None, "k1", "k2"]))
    def add(self, org: str, priority: int, key: str | None) -> None:
        new = new_run(org, cap=CAPS[org], priority=priority, idempotency_key=key, body_hash="b")
        added = self.run(self.world.journal.add(new))
        known = self.shadow.keys.get(f"{org} {key}") if key else None
        assert added.run_id == (known or new.run_id)
        assert added.existing == (known is not None)
        if not known:
            self.shadow.add(org, new.run_id, priority)
            self.shadow.keys[f"{org} {key}"] = new.run_id

    @rule(worker=WORKERS, free=st.integers(1, 4))
    def claim(self, worker: str, free: int) -> None:
        leases = self.run(self.world.journal.claim(worker, free))
        self.shadow.check_claim(worker, free, leases)
        self.leases += leases

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), status=st.sampled_from(sorted(set().union(*ENDINGS.values()))))
    def end(self, data: st.DataObject, status: RunStatus) -> None:
        lease = data.draw(st.sampled_from(self.leases))
        run = self.shade(lease)
        marks = (Logged("line"), RunEnded(status))
        if run is None:
            with pytest.raises(StaleFenceError):
                self.run(self.world.journal.record(lease, *marks))
        elif status not in ENDINGS[run.status]:
            with pytest.raises(TransitionError):
                self.run(self.world.journal.record(lease, *marks))
        else:
            self.run(self.world.journal.record(lease, *marks))
            run.events += 1
            self.shadow.end(run, status)

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def snooze(self, data: st.DataObject) -> None:
        lease = data.draw(st.sampled_from(self.leases))
        run = self.shade(lease)
        if run is None:
            with pytest.raises(StaleFenceError):
                self.run(self.world.journal.snooze(lease, 60, "later"))
            return
        self.run(self.world.journal.snooze(lease, 60, "later"))
        run.asleep = run.status is not RunStatus.CANCELLING
        run.events += 1
        run.suspect = False
        self.shadow.give_back(run)

    @rule()
    def time_passes(self) -> None:
        self.world.sql("UPDATE queue SET due_at = now() WHERE state = 'delayed'")
        self.world.sql(f"UPDATE queue SET leased_at = leased_at - {HOURS}, suspect_since = suspect_since - {HOURS}")
        self.world.sql(f"UPDATE solitude SET began_at = began_at - {HOURS}")
        self.shadow.rest()

    @rule(worker=WORKERS)
    def stop(self, worker: str) -> None:
        held = self.shadow.held(worker)
        assert self.run(self.world.journal.release(worker)) == len(held)
        for run in held:
            self.shadow.give_back(run)

    @rule(worker=WORKERS)
    def crash(self, worker: str) -> None:
        assert self.run(self.world.journal.recover(worker)) == self.shadow.crash(worker)

    @precondition(lambda self: self.shadow.runs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        run = data.draw(st.sampled_from(sorted(self.shadow.runs.values(), key=lambda run: run.rank)))
        self.run(self.world.journal.cancel(run.org, run.run_id))
        if run.status is RunStatus.PENDING:
            self.shadow.end(run, RunStatus.CANCELLED)
        elif run.status is RunStatus.RUNNING:
            run.status = RunStatus.CANCELLING

    @rule(worker=WORKERS)
    def beat(self, worker: str) -> None:
        held = {lease.run.run_id: lease.fence for lease in self.leases if lease.worker == worker}
        beats = self.run(self.world.journal.heartbeat(worker, held))
        mine = {run.run_id: run.status is RunStatus.CANCELLING for run in self.shadow.held(worker)}
        assert {beat.run_id: beat.cancelling for beat in beats} == mine

    @invariant()
    def the_journal_stands_where_its_shadow_does(self) -> None:
        rows = self.world.sql(FACTS)
        assert {row[0]: (row[1], row[2], row[3]) for row in rows} == self.shadow.facts()
        assert all(row[3] == row[4] for row in rows), "events have gaps"

    @invariant()
    def counters_never_drift(self) -> None:
        assert self.run(self.world.journal.sweep()) == ()
        assert all(self.shadow.room(org) >= 0 for org in CAPS)


@pytest.fixture
def world(journal_url: str) -> Iterator[World]:
    made = World(journal_url)
    made.open()
    yield made
    made.close()


def test_any_calls_in_any_order_keep_every_promise(world: World) -> None:
    machine = type("Machine", (JournalMachine,), {"world": world})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
