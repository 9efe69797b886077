from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from server.clock import SystemClock
from tests.conformance.journal.conftest import Desk, OpenJournal
from workers.adapters.journal import PostgresJournal
from workers.model.lease import QuotaCount
from workers.model.run import RunStatus
from workers.ports import Planned
from workers.runtime.turns import Turns

pytestmark = pytest.mark.engine

Connection = asyncpg.Connection
MANY_MORE_RUNS = """
    INSERT INTO run SELECT (jsonb_populate_record(r, jsonb_build_object('run_id', gen_random_uuid()))).*
    FROM run r, generate_series(1, 2500)
"""


async def today(journal: PostgresJournal) -> date:
    return (await journal.ping()).astimezone(UTC).date()


async def test_an_ended_run_leaves_parcels_for_the_warehouse(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease()
    await desk.finish(lease)
    (run_parcel,) = await journal.parcels("run", 10)
    (quota_parcel,) = await journal.parcels("quota", 10)
    assert run_parcel.payload == {"run_id": str(lease.run.run_id)}
    assert quota_parcel.payload == {"org": "acme", "day": str(await today(journal))}
    (run,) = await journal.runs([lease.run.run_id])
    assert (run.status, len(run.steps)) == (RunStatus.COMPLETED, 1)


async def test_a_batch_keeps_its_name_until_it_is_published(journal: PostgresJournal, desk: Desk) -> None:
    await desk.finish(*[await desk.lease() for _ in range(3)])
    batch = await journal.parcels("run", 2)
    await desk.finish(await desk.lease())
    assert await journal.parcels("run", 10) == batch
    await journal.published([parcel.parcel_id for parcel in batch])
    rest = await journal.parcels("run", 10)
    assert [len(batch), len(rest)] == [2, 2]
    assert {parcel.batch for parcel in batch}.isdisjoint(parcel.batch for parcel in rest)
    await journal.published([parcel.parcel_id for parcel in rest])
    assert await journal.parcels("run", 10) == ()


async def test_quota_counters_follow_the_runs(journal: PostgresJournal, desk: Desk) -> None:
    await desk.add("acme", 4)
    done, failed, stopped, running = await journal.claim("w1", 4)
    await desk.finish(done)
    await desk.finish(failed, status=RunStatus.FAILED)
    await journal.cancel("acme", stopped.run.run_id)
    await desk.finish(stopped, status=RunStatus.CANCELLED)
    day = await today(journal)
    acme, nobody = await journal.quotas([("acme", day), ("nobody", day)])
    (ended,) = await journal.runs([done.run.run_id])
    assert acme == QuotaCount("acme", day, 4, 1, 1, 4, 1, 4, ended.end_time)
    assert nobody == QuotaCount("nobody", day, 0, 0, 0, 0, 0, 0)
    assert running.run.status is RunStatus.RUNNING


async def test_the_last_completion_is_the_latest_and_outlives_its_day(journal: PostgresJournal, desk: Desk) -> None:
    leases = [await desk.lease() for _ in range(3)]
    await desk.finish(leases[0])
    await desk.finish(leases[1])
    await desk.finish(leases[2], status=RunStatus.FAILED)
    (latest,) = await journal.runs([leases[1].run.run_id])
    day = await today(journal)
    counts = await journal.quotas([("acme", day), ("acme", day + timedelta(days=1)), ("acme", day - timedelta(days=1))])
    assert [count.last_completed_at for count in counts] == [latest.end_time, latest.end_time, None]


async def test_quota_counters_are_exact_under_concurrency(open_journal: OpenJournal) -> None:
    async with open_journal() as one, open_journal() as other:
        await asyncio.gather(*(Desk(j).add("acme", 20, cap=50) for j in (one, other)))
        leases = [*await one.claim("a", 20), *await other.claim("b", 20)]
        await asyncio.gather(*(Desk((one, other)[n % 2]).finish(lease) for n, lease in enumerate(leases)))
        (count,) = await one.quotas([("acme", await today(one))])
        assert (count.started, count.succeeded, count.running, count.most_running) == (40, 40, 0, 40)


@pytest.mark.fault("F73")
@pytest.mark.promise("P13")
async def test_a_drifted_lane_is_noticed_and_repaired(
    journal: PostgresJournal, desk: Desk, database: Connection
) -> None:
    await desk.lease(cap=1)
    await database.execute("UPDATE lane SET running = 7")
    (said,) = await journal.sweep()
    assert "acme" in said
    assert await journal.sweep() == ()
    await journal.release("w1")
    assert len(await journal.claim("w1", 1)) == 1


@pytest.mark.fault("F73")
async def test_a_lane_that_sleeps_over_waiting_runs_is_woken(
    journal: PostgresJournal, desk: Desk, database: Connection
) -> None:
    await desk.add()
    await database.execute("DELETE FROM notice")
    assert await journal.claim("w1", 1) == ()
    assert len(await journal.sweep()) == 1
    assert len(await journal.claim("w1", 1)) == 1


@pytest.mark.fault("F73")
async def test_a_lane_that_is_missing_is_made(journal: PostgresJournal, desk: Desk, database: Connection) -> None:
    await desk.add()
    await database.execute("DELETE FROM lane")
    assert await journal.claim("w1", 1) == ()
    assert len(await journal.sweep()) == 1
    assert len(await journal.claim("w1", 1)) == 1


@pytest.mark.fault("F74")
@pytest.mark.promise("P13")
async def test_a_lease_into_the_far_future_is_ended(journal: PostgresJournal, desk: Desk, database: Connection) -> None:
    await desk.lease()
    await database.execute("UPDATE queue SET lease_until = now() + interval '1 year'")
    assert len(await journal.sweep()) == 1
    assert await journal.reap() == 1


@pytest.mark.fault("F74")
async def test_an_unknown_state_cannot_be_written(desk: Desk, database: Connection) -> None:
    await desk.lease()
    for edit in ("state = 'odd'", "fence = NULL", "status = 'ODD'"):
        with pytest.raises(asyncpg.CheckViolationError):
            await database.execute(f"UPDATE queue SET {edit}")


async def test_the_count_of_all_waiting_runs_is_repaired(
    journal: PostgresJournal, desk: Desk, database: Connection
) -> None:
    await desk.add()
    await database.execute("UPDATE tally SET waiting = 9 WHERE shard = 3")
    assert len(await journal.sweep()) == 1
    assert await database.fetchval("SELECT sum(waiting) FROM tally") == 1


async def test_old_runs_are_pruned_with_all_they_own(
    journal: PostgresJournal, desk: Desk, database: Connection
) -> None:
    lease, live = await desk.lease(), await desk.lease()
    await desk.finish(lease)
    later = await journal.ping() + timedelta(hours=1)
    assert await journal.prune(later) == 0  # the warehouse has not seen it
    await journal.published([parcel.parcel_id for parcel in await journal.parcels("run", 9)])
    assert await journal.prune(later) == 0  # nobody has decided whom to tell
    await journal.plan(Planned(tuple(news.parcel_id for news in await journal.news(9)), (), {}))
    assert await journal.prune(datetime(2020, 1, 1, tzinfo=UTC)) == 0
    assert await journal.prune(later) == 1
    assert await journal.find_run("acme", lease.run.run_id) is None
    assert await journal.find_run("acme", live.run.run_id) is not None
    for table in ("run", "step"):
        assert await database.fetchval(f"SELECT count(*) FROM {table}") == 1


async def test_pruning_goes_on_until_nothing_is_left_to_prune(
    journal: PostgresJournal, desk: Desk, database: Connection
) -> None:
    await desk.finish(await desk.lease())
    await database.execute("DELETE FROM outbox")
    await database.execute(MANY_MORE_RUNS)
    assert await journal.prune(await journal.ping() + timedelta(hours=1)) == 2501
    assert await database.fetchval("SELECT count(*) FROM run") == 0


async def test_a_declaration_is_kept_while_a_run_refers_to_it_or_a_start_repeats_it(
    journal: PostgresJournal, desk: Desk, database: Connection
) -> None:
    await desk.add(config_hash="of a run")
    for name in ("of a run", "of nobody", "of the last start"):
        await journal.declare(name, f"the source {name}")
    await database.execute("UPDATE declaration SET declared_at = declared_at - interval '1 year'")
    await journal.declare("of the last start", "")
    await journal.prune(await journal.ping() - timedelta(days=90))
    assert await journal.declaration("of a run") == "the source of a run"
    assert await journal.declaration("of the last start") == "the source of the last start"
    assert await journal.declaration("of nobody") is None


async def test_a_role_is_led_by_one(open_journal: OpenJournal) -> None:
    async with open_journal() as one, open_journal() as other:
        async with one.lead("publisher") as first, other.lead("publisher") as second, other.lead("else") as third:
            assert (first, second, third) == (True, False, True)
        async with asyncio.timeout(5):
            while True:
                async with other.lead("publisher") as leads:
                    if leads:
                        break


@pytest.mark.fault("F21")
async def test_a_transaction_that_a_stranger_leaves_open_is_told(
    journal: PostgresJournal, database: Connection
) -> None:
    async with database.transaction():
        age = await database.fetchval("SELECT extract(epoch FROM clock_timestamp() - now())::float8")
        assert (await journal.depth()).oldest_transaction > age > 0


async def test_depth_tells_how_much_waits_and_runs(journal: PostgresJournal, desk: Desk) -> None:
    await desk.add("acme", 4)
    ended, snoozed, _ = await journal.claim("w1", 3)
    await desk.finish(ended)
    await journal.snooze(snoozed, 60, "later")
    depth = await journal.depth()
    assert (depth.waiting, depth.delayed, depth.running, depth.outbox) == (1, 1, 1, 2)
    assert depth.lanes[0].oldest_wait > 0


async def test_depth_is_told_by_the_weight_of_lanes(journal: PostgresJournal, desk: Desk) -> None:
    for org, weight, count in (("one", 1.0, 2), ("two", 4.0, 3), ("three", 4.0, 1)):
        await desk.add(org, count, weight=weight)
    lanes = (await journal.depth()).lanes
    assert [(lane.weight, lane.waiting) for lane in lanes] == [(1.0, 2), (4.0, 4)]


async def test_a_budget_is_shared_and_refills(open_journal: OpenJournal) -> None:
    async with open_journal() as one, open_journal() as other:
        waits = [await journal.take("k", per_minute=60, burst=2) for journal in (one, other, one)]
        assert waits[:2] == [0, 0]
        assert 0 < waits[2] <= 1
        assert await one.take("other", per_minute=60, burst=2) == 0


async def test_a_budget_comes_back_with_time(journal: PostgresJournal, database: Connection) -> None:
    assert await journal.take("k", per_minute=60, burst=3, amount=3) == 0
    await database.execute("UPDATE budget SET counted_at = counted_at - interval '2 seconds'")
    assert await journal.take("k", per_minute=60, burst=3, amount=2) == 0
    assert await journal.take("k", per_minute=60, burst=3, amount=2) > 0.5


async def test_more_than_a_burst_is_paid_by_a_full_budget(journal: PostgresJournal) -> None:
    assert await journal.take("k", per_minute=60, burst=2, amount=5) == 0
    assert await journal.take("k", per_minute=60, burst=2, amount=1) > 0


async def test_the_shared_budget_is_exact_under_concurrency(open_journal: OpenJournal) -> None:
    async with open_journal() as one, open_journal() as other:
        calls = [(one, other)[n % 2].take("k", per_minute=0.001, burst=10) for n in range(30)]
        assert (await asyncio.gather(*calls)).count(0) == 10


async def test_a_turn_of_the_fleet_is_held_by_one_replica_at_a_time(open_journal: OpenJournal) -> None:
    order: list[str] = []

    async def take(journal: PostgresJournal) -> None:
        async with Turns(journal, SystemClock()).take("credential acme CRM"):
            order.append("in")
            await journal.ping()
            order.append("out")

    async with open_journal() as one, open_journal() as other:
        await asyncio.gather(*(take(journal) for journal in (one, other, one)))
    assert order == ["in", "out"] * 3
