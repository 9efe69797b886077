from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY

from tests.fakes.central import ListedCentral
from tests.fakes.clock import NOON, ManualClock
from tests.unit.catalog.conftest import Configs
from tests.unit.catalog.test_snapshot import HASH, PLANS, key, profile, subscription
from workers.catalog.orgs import EARLY_EVERY, INTERVAL, SERVES_FOR, Directory
from workers.model.failure import Code, FailedError, Reason

SQL = "SELECT everything"
OTHER = "b" * 64


class World:
    """A directory over rows that a test changes."""

    def __init__(self, configs: Configs) -> None:
        configs.write("system/sql/directory.sql", SQL)
        self.rows: list[dict[str, Any]] = [profile(), subscription(), key()]
        self.central = ListedCentral({SQL: lambda _: self.rows})
        self.clock = ManualClock()
        self.directory = Directory(self.central, configs.load().schemas, PLANS, self.clock, roll=lambda: 0.5)

    @property
    def snapshots(self) -> int:
        return len(self.central.queries)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.directory.run())
        try:
            await self.clock.until_asleep()
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def pass_time(self, seconds: float) -> None:
        """Let the loop wake after so long, and wait until it sleeps again."""
        self.clock.advance(seconds)
        await self.clock.until_asleep()


@pytest.fixture
def world(configs: Configs) -> World:
    return World(configs)


async def test_a_key_and_its_organisation_are_found(world: World) -> None:
    found = await world.directory.find_key(HASH)
    assert found is not None
    org = await world.directory.org(found.org_slug)
    assert org is not None
    assert org.allows(NOON.date())


async def test_what_is_known_waits_for_nobody(world: World) -> None:
    async with world.running():
        world.central.gate.clear()
        for _ in range(100):
            assert await world.directory.find_key(HASH)
            assert await world.directory.org("acme")
        assert world.snapshots == 1


@pytest.mark.parametrize(("roll", "wait"), [(0.0, 15.0), (0.5, 20.0), (0.999, 25.0)])
async def test_a_snapshot_is_taken_every_twenty_seconds_give_or_take_five(
    world: World, roll: float, wait: float
) -> None:
    world.directory._roll = lambda: roll
    async with world.running():
        assert world.clock.next_wake == pytest.approx(wait, abs=0.01)
        await world.pass_time(wait)
        assert world.snapshots == 2


@pytest.mark.parametrize(("took", "wait"), [(3, 17.0), (18, 5.0)])
async def test_the_time_it_takes_to_read_counts_and_a_slow_reading_is_no_reason_to_read_without_pause(
    world: World, took: float, wait: float
) -> None:
    world.central.gate.clear()
    task = asyncio.create_task(world.directory.run())
    await world.central.asked.acquire()
    world.clock.advance(took)
    world.central.gate.set()
    await world.clock.until_asleep()
    assert world.clock.next_wake == pytest.approx(wait)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_reading_that_finds_nothing_new_keeps_what_there_is(world: World) -> None:
    async with world.running():
        before = await world.directory.find_key(HASH), await world.directory.org("acme")
        world.rows = [dict(row) for row in world.rows]
        await world.pass_time(INTERVAL)
        after = await world.directory.find_key(HASH), await world.directory.org("acme")
        assert world.snapshots == 2
        assert [one is other for one, other in zip(before, after, strict=True)] == [True, True]


@pytest.mark.fault("F61")
async def test_a_revoked_key_and_a_suspended_organisation_are_out_after_the_next_snapshot(world: World) -> None:
    async with world.running():
        world.rows = [profile(), subscription(status="SUSPENDED")]
        await world.pass_time(INTERVAL)
        assert await world.directory.find_key(HASH) is None
        org = await world.directory.org("acme")
        assert org is not None
        assert not org.allows(NOON.date())


async def test_a_key_is_out_at_the_moment_it_expires(world: World) -> None:
    world.rows = [profile(), key(expires_at=NOON + timedelta(seconds=10))]
    assert await world.directory.find_key(HASH)
    world.clock.advance(10)
    assert await world.directory.find_key(HASH) is None


async def test_a_miss_takes_an_early_snapshot_and_finds_what_is_new(world: World) -> None:
    async with world.running():
        world.rows = [*world.rows, profile("globex"), key(org_slug="globex", name=OTHER)]
        found = await world.directory.find_key(OTHER)
        assert found is not None
        assert found.org_slug == "globex"
        assert world.snapshots == 2


async def test_all_who_miss_share_one_early_snapshot(world: World) -> None:
    async with world.running():
        world.central.gate.clear()
        async with asyncio.TaskGroup() as group:
            missed = [group.create_task(world.directory.find_key(f"{n:064x}")) for n in range(50)]
            await world.central.asked.acquire()
            await world.central.asked.acquire()
            world.central.gate.set()
        assert {task.result() for task in missed} == {None}
        assert world.snapshots == 2


async def test_misses_take_at_most_one_early_snapshot_a_second(world: World) -> None:
    async with world.running():
        for _ in range(10):
            assert await world.directory.org("nobody") is None
        assert world.snapshots == 2
        world.clock.advance(EARLY_EVERY)
        for _ in range(10):
            assert await world.directory.org("nobody") is None
        assert world.snapshots == 3


async def test_one_who_gives_up_waiting_does_not_spoil_it_for_others(world: World) -> None:
    async with world.running():
        world.rows = [*world.rows, key(name=OTHER)]
        world.central.gate.clear()
        first = asyncio.create_task(world.directory.find_key(OTHER))
        await world.central.asked.acquire()
        await world.central.asked.acquire()
        second = asyncio.create_task(world.directory.find_key(OTHER))
        await asyncio.sleep(0)
        first.cancel()
        await world.central.asked.acquire()
        world.central.gate.set()
        assert await second is not None


async def test_refreshing_is_single_flight(world: World) -> None:
    world.central.gate.clear()
    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(world.directory.refresh())
        await world.central.asked.acquire()
        world.central.gate.set()
    assert world.snapshots == 1


async def test_a_failure_is_shared_by_all_who_waited(world: World) -> None:
    world.central.away = True
    world.central.gate.clear()
    tasks = [asyncio.create_task(world.directory.refresh()) for _ in range(20)]
    await world.central.asked.acquire()
    world.central.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, FailedError) for result in results)
    assert world.snapshots == 1


async def test_the_last_good_snapshot_serves_while_bigquery_is_away(world: World) -> None:
    async with world.running():
        world.central.away = True
        await world.pass_time(INTERVAL)
        world.clock.advance(SERVES_FOR - INTERVAL)
        assert await world.directory.find_key(HASH)
        assert await world.directory.org("nobody") is None


async def test_after_fifteen_minutes_without_bigquery_calls_are_unavailable(world: World) -> None:
    await world.directory.refresh()
    world.central.away = True
    world.clock.advance(SERVES_FOR + 1)
    for look in (world.directory.find_key(HASH), world.directory.org("acme")):
        with pytest.raises(FailedError) as raised:
            await look
        failure = raised.value.failure
        assert (failure.code, failure.reason) == (Code.UNAVAILABLE, Reason.SERVICE_UNAVAILABLE)
        assert failure.retry_after


async def test_before_the_first_snapshot_calls_are_unavailable_and_never_refused(world: World) -> None:
    world.central.away = True
    with pytest.raises(FailedError, match="SERVICE_UNAVAILABLE"):
        await world.directory.find_key(HASH)


async def test_the_first_call_takes_the_first_snapshot(world: World) -> None:
    assert await world.directory.find_key(HASH)


async def test_the_directory_comes_back_when_bigquery_does(world: World) -> None:
    world.central.away = True
    async with world.running():
        world.central.away = False
        await world.pass_time(5)
        assert await world.directory.find_key(HASH)
        assert world.snapshots == 2


async def test_the_age_of_the_snapshot_is_a_metric(world: World) -> None:
    await world.directory.refresh()
    world.clock.advance(42)
    assert REGISTRY.get_sample_value("directory_age_seconds") == pytest.approx(42)
