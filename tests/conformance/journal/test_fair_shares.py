"""Who gets the slots while everybody waits: beside thousands of runs, a hung provider, weights, caps, restarts."""

from __future__ import annotations

import asyncio
from collections import Counter

import asyncpg
import pytest

from tests.conformance.journal.conftest import Desk, OpenJournal
from tests.conformance.journal.pile import pile
from tests.conformance.journal.test_fair_claims import by_org
from workers.adapters.journal import PostgresJournal
from workers.adapters.journal.room import Suspicion
from workers.model.fairness import Contest
from workers.model.lease import Lease

pytestmark = pytest.mark.engine

Connection = asyncpg.Connection
QUIET = tuple(f"quiet_{number:02}" for number in range(20))


async def contest(journal: PostgresJournal) -> Contest:
    return sum((lane.contest for lane in (await journal.depth()).lanes), Contest())


@pytest.mark.promise("P6")
@pytest.mark.fault("F35")
async def test_twenty_quiet_organisations_have_their_share_beside_five_thousand_runs_of_another(
    journal: PostgresJournal, desk: Desk, database: Connection
) -> None:
    await pile(desk, database, "noisy", 5000, cap=5000)
    assert by_org(await journal.claim("w1", 40)) == {"noisy": 40}
    for org in QUIET:
        await desk.add(org, 3)
    each = dict.fromkeys(("noisy", *QUIET), 1)
    assert by_org(await journal.claim("w1", 21)) == each
    assert by_org(await journal.claim("w2", 42)) == dict.fromkeys(each, 2)
    assert by_org(await journal.claim("w1", 10)) == {"noisy": 10}
    assert await journal.sweep() == ()


@pytest.mark.promise("P6")
async def test_a_run_of_a_quiet_organisation_lets_one_other_go_first_at_most(
    journal: PostgresJournal, desk: Desk, database: Connection
) -> None:
    await pile(desk, database, "noisy", 100, cap=100)
    held = list(await journal.claim("w1", 10))
    for org in QUIET[:8]:
        await desk.add(org)
        await desk.finish(held.pop(0), held.pop(0))
        leases = await journal.claim("w1", 2)
        assert org in by_org(leases)
        held += leases


@pytest.mark.promise("P4", "P6", "P13")
async def test_an_organisation_whose_provider_hangs_holds_its_cap_and_nobody_elses_slots(
    journal: PostgresJournal, desk: Desk
) -> None:
    others = ("a", "b", "c")
    for org in ("hung", *others):
        await desk.add(org, 30, cap=6)
    started: Counter[str] = Counter()
    free = 12
    while started.total() < 60:
        leases = await journal.claim("w1", free)
        started.update(by_org(leases))
        assert started["hung"] <= 6
        assert max(started[org] for org in others) - min(started[org] for org in others) <= 1
        finished = [lease for lease in leases if lease.run.org_slug != "hung"]
        await desk.finish(*finished)
        free = len(finished)
    assert (started["hung"], free) == (6, 6)


@pytest.mark.promise("P6")
async def test_who_weighs_three_runs_three_times_as_much_to_within_one_run(
    journal: PostgresJournal, desk: Desk
) -> None:
    await desk.add("light", 20, cap=20, weight=1.0)
    await desk.add("heavy", 60, cap=60, weight=3.0)
    started: Counter[str] = Counter()
    for free in (1, 1, 1, 1, 4, 7, 2, 9, 16, 3, 11):
        leases = await journal.claim("w1", free)
        started.update(by_org(leases))
        await desk.finish(*leases[::2])
        assert abs(started["light"] - started.total() / 4) <= 1
    assert started == {"light": 14, "heavy": 42}


@pytest.mark.promise("P4", "P5")
async def test_lanes_with_a_cap_of_one_run_one_after_another_in_order(journal: PostgresJournal, desk: Desk) -> None:
    orgs = ("a", "b", "c", "d")
    added = {org: await desk.add(org, 5, cap=1) for org in orgs}
    ran: dict[str, list[object]] = {org: [] for org in orgs}
    for _ in range(5):
        leases = await journal.claim("w1", 10)
        assert by_org(leases) == dict.fromkeys(orgs, 1)
        assert await journal.claim("w2", 10) == ()
        for lease in leases:
            ran[lease.run.org_slug].append(lease.run.run_id)
        await desk.finish(*leases)
    assert ran == added


@pytest.mark.promise("P4", "P6", "P9")
async def test_shares_go_on_over_a_stop_and_a_start(open_journal: OpenJournal) -> None:
    async with open_journal() as one:
        for org, weight in (("a", 1.0), ("b", 3.0)):
            await Desk(one).add(org, 40, cap=40, weight=weight)
        kept, given = (await one.claim("w1", 8)), (await one.claim("w1", 8))
        assert by_org(kept) == by_org(given) == {"a": 2, "b": 6}
        await Desk(one).finish(*kept)
        assert await one.release("w1") == len(given)
    async with open_journal() as other:
        assert by_org(await other.claim("w2", 16)) == {"a": 4, "b": 12}
        assert by_org(await other.claim("w2", 5)).keys() == {"a", "b"}
        assert await other.sweep() == ()


@pytest.mark.promise("P1", "P4", "P13")
async def test_a_crash_in_the_middle_costs_no_run_no_slot_and_no_cap(open_journal: OpenJournal) -> None:
    orgs = ("a", "b", "c", "d")
    async with open_journal() as one:
        added = {run_id for org in orgs for run_id in await Desk(one).add(org, 6, cap=2)}
        assert by_org(await one.claim("w1", 100)) == dict.fromkeys(orgs, 2)
    async with open_journal(suspicion=Suspicion(0.01, 0.02)) as other:
        assert await other.recover("w1") == 8
        ended: list[Lease] = []
        async with asyncio.timeout(20):
            while len(ended) < len(added):
                leases = await other.claim("w1", 100)
                assert max(by_org(leases).values(), default=0) <= 2
                await Desk(other).finish(*leases)
                ended += leases
        assert {lease.run.run_id for lease in ended} == added
        assert (await other.claim("w1", 100), await other.sweep()) == ((), ())


@pytest.mark.promise("P6")
async def test_the_index_of_fairness_is_about_those_who_compete(journal: PostgresJournal, desk: Desk) -> None:
    for org, weight in (("a", 1.0), ("b", 1.0), ("c", 3.0)):
        await desk.add(org, 10, cap=10, weight=weight)
    await desk.add("full", 5, cap=1)
    await desk.add("done", 1)
    assert by_org(await journal.claim("w1", 12)) == {"a": 2, "b": 2, "c": 6, "done": 1, "full": 1}
    assert await contest(journal) == Contest(3, 6.0, 12.0)
    await desk.add("late", 4)
    assert (await contest(journal)).index == 36 / (4 * 12)
