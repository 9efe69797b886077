from __future__ import annotations

import asyncio
from collections import Counter

import asyncpg
import pytest

from tests.conformance.journal.conftest import Desk, OpenJournal, new_run
from workers.adapters.journal import PostgresJournal
from workers.model.lease import LaneTerms, Lease, RunEnded
from workers.model.run import RunStatus

pytestmark = pytest.mark.engine


def by_org(leases: tuple[Lease, ...] | list[Lease]) -> Counter[str]:
    return Counter(lease.run.org_slug for lease in leases)


async def test_nothing_waits_nothing_is_claimed(journal: PostgresJournal) -> None:
    assert await journal.claim("w1", 10) == ()


async def test_no_more_is_claimed_than_is_free(journal: PostgresJournal, desk: Desk) -> None:
    await desk.add("acme", 4)
    assert await journal.claim("w1", 0) == ()
    assert len(await journal.claim("w1", 3)) == 3


@pytest.mark.promise("P4")
async def test_an_organisation_never_runs_more_than_its_cap(journal: PostgresJournal, desk: Desk) -> None:
    await desk.add("acme", 4, cap=2)
    first = await journal.claim("w1", 10)
    assert len(first) == 2
    assert await journal.claim("w2", 10) == ()
    await desk.finish(first[0])
    assert len(await journal.claim("w2", 10)) == 1


@pytest.mark.promise("P4")
async def test_caps_hold_under_concurrent_claimers(open_journal: OpenJournal) -> None:
    async with open_journal() as one, open_journal() as other:
        await asyncio.gather(*(one.add(new_run(f"org_{n % 5}", cap=3)) for n in range(100)))
        running: Counter[str] = Counter()
        done: list[Lease] = []

        async def work(journal: PostgresJournal, worker: str) -> None:
            while len(done) < 100:
                leases = await journal.claim(worker, 4)
                running.update(by_org(leases))
                assert max(running.values(), default=0) <= 3
                for lease in leases:
                    running[lease.run.org_slug] -= 1
                    await journal.record(lease, RunEnded(RunStatus.COMPLETED))
                    done.append(lease)

        await asyncio.gather(work(one, "a"), work(one, "b"), work(other, "c"), work(other, "d"))
        assert len({lease.run.run_id for lease in done}) == 100
        assert len({lease.fence for lease in done}) == 100
        assert await one.sweep() == ()


@pytest.mark.promise("P6")
async def test_one_batch_is_shared_by_weight(journal: PostgresJournal, desk: Desk) -> None:
    for org, weight in (("a", 1.0), ("b", 2.0), ("c", 3.0)):
        await desk.add(org, 20, cap=20, weight=weight)
    assert by_org(await journal.claim("w1", 12)) == {"a": 2, "b": 4, "c": 6}


@pytest.mark.promise("P6")
async def test_shares_hold_to_within_one_run_at_every_moment(journal: PostgresJournal, desk: Desk) -> None:
    weights = {"a": 1.0, "b": 2.0, "c": 5.0}
    for org, weight in weights.items():
        await desk.add(org, 45, cap=50, weight=weight)
    started: Counter[str] = Counter()
    for free in (1, 3, 7, 2, 1, 16, 5, 9, 1, 3):
        started.update(by_org(await journal.claim("w1", free)))
        for org, weight in weights.items():
            assert abs(started[org] - started.total() * weight / 8) <= 1


@pytest.mark.promise("P6")
async def test_a_quiet_organisation_is_not_delayed_by_a_noisy_one(journal: PostgresJournal, desk: Desk) -> None:
    await desk.add("noisy", 50, cap=50)
    await journal.claim("w1", 20)
    await desk.add("quiet", 1)
    assert "quiet" in by_org(await journal.claim("w1", 2))


@pytest.mark.promise("P6")
async def test_who_was_away_is_owed_nothing(journal: PostgresJournal, desk: Desk) -> None:
    await desk.add("busy", 60, cap=60)
    await desk.add("away", 1)
    await journal.claim("w1", 31)
    await desk.add("away", 20, cap=20)
    assert by_org(await journal.claim("w1", 10)) == {"busy": 5, "away": 5}


async def test_who_ran_while_all_were_idle_owes_nothing(journal: PostgresJournal, desk: Desk) -> None:
    await desk.add("early", 30, cap=60)
    await journal.claim("w1", 30)
    await journal.claim("w1", 1)
    await desk.add("late", 20, cap=20)
    await desk.add("early", 20, cap=60)
    assert by_org(await journal.claim("w1", 10)) == {"early": 5, "late": 5}


@pytest.mark.promise("P5")
async def test_a_lane_starts_in_order_within_its_priority(journal: PostgresJournal, desk: Desk) -> None:
    late = await desk.add("acme", 2, priority=100)
    first = await desk.add("acme", 2, priority=10)
    started = [(await journal.claim("w1", 1))[0].run.run_id for _ in range(4)]
    assert started == [*first, *late]


async def test_new_terms_hold_from_the_next_claim(journal: PostgresJournal, desk: Desk) -> None:
    await desk.add("acme", 3, cap=1)
    await journal.claim("w1", 5)
    await journal.add(new_run(terms=LaneTerms(cap=3)))
    assert len(await journal.claim("w1", 5)) == 2


@pytest.mark.fault("F21")
async def test_claims_pass_by_what_a_stranger_holds(
    journal: PostgresJournal, desk: Desk, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    await desk.add("held", 2)
    await desk.add("open", 2)
    await journal.claim("w1", 2)
    async with database.transaction():
        await database.execute("SELECT 1 FROM lane WHERE org = 'held' FOR UPDATE")
        assert by_org(await journal.claim("w1", 5)) == {"open": 1}
    assert by_org(await journal.claim("w1", 5)) == {"held": 1}


async def test_accepting_and_finishing_do_not_hide_a_lane_from_claims(
    journal: PostgresJournal, desk: Desk, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    first = await desk.lease("acme")
    await desk.add("acme", 3)
    async with database.transaction():
        await database.fetch("SELECT * FROM record($1, '[]', '[]', '[]', $2)", record_of(first), ["RUNNING>COMPLETED"])
        assert len(await journal.claim("w1", 5)) == 3


def record_of(lease: Lease) -> str:
    end = f'"fence": {lease.fence}, "mark": 1, "events": 0, "status": "COMPLETED"'
    return f'[{{"ord": 0, "run": "{lease.run.run_id}", {end}}}]'


async def test_ten_thousand_idle_organisations_cost_a_claim_nothing(
    journal: PostgresJournal, desk: Desk, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    await database.execute(
        "INSERT INTO lane (org, cap, weight) SELECT 'idle_' || n, 5, 1 FROM generate_series(1, 10000) n"
    )
    await desk.add("acme", 1)
    await journal.claim("w1", 1)
    plan = await database.fetch(
        "EXPLAIN SELECT org FROM lane WHERE active AND running < cap ORDER BY vtime, org LIMIT 9"
    )
    assert "lane_open" in "".join(row[0] for row in plan)
