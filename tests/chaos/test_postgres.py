"""Postgres that is gone, silent, full or held by others: callers are told so, and what was accepted goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.chaos.arena import Arena
from tests.chaos.lab import ACT
from tests.fakes.org_client import EXTRACT, NOTHING
from tests.fakes.tcp_proxy import TcpProxy
from tests.fakes.until import until

AWAY_SECONDS = 30.0
ANSWERS = {200, 429, 503}
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


@pytest.mark.fault("F18")
@pytest.mark.promise("P1", "P13")
async def test_while_postgres_is_away_callers_are_told_when_to_come_back_and_nothing_is_lost(arena: Arena) -> None:
    org, day, gate = arena.org(0), arena.next_day(), arena.gate()
    acked = [await arena.accepted(org, ACT, f"under way {n}", do="wait", gate=str(gate), note=str(n)) for n in range(4)]
    acked.append(await arena.accepted(org, EXTRACT, day, date=day))
    refused = []
    async with postgres_away(arena):
        gone = time.monotonic()

        async def long_enough() -> bool:
            reply = await org.start(NOTHING, key="while away", note="while away")
            refused.append((reply.status, "Retry-After" in reply.headers))
            return time.monotonic() - gone > AWAY_SECONDS

        await until(long_enough, AWAY_SECONDS + 30)
        gate.touch()
    at = time.monotonic()
    acked.append(await arena.accepted(org, NOTHING, "while away", note="while away"))
    toll = await arena.charge("Postgres away for 30 s", 1, at, acked)
    assert toll.harmless, toll
    assert set(refused) == {(503, True)}


@pytest.mark.short
@pytest.mark.fault("F12", "F17")
@pytest.mark.promise("P3", "P13")
async def test_a_worker_whose_journal_answers_nothing_lets_go_and_another_does_its_runs(arena: Arena) -> None:
    org, gate = arena.org(1), arena.gate()
    async with (
        arena.answering_only(),
        through_a_proxy(arena) as (proxy, url),
        arena.replica(ROLE="worker", JOURNAL_URL=url) as silent,
    ):
        notes = [f"silent {number}" for number in range(3)]
        acked = [await arena.accepted(org, ACT, note, do="wait", gate=str(gate), note=note) for note in notes]
        before = [await arena.taken(run_id) for run_id in acked]
        at = time.monotonic()
        proxy.swallow()
        async with arena.replica(ROLE="worker"):
            for run_id, fence in zip(acked, before, strict=True):
                await arena.taken(run_id, after=fence)
            gate.touch()
            toll = await arena.charge("a journal that takes connections and answers nothing", 1, at, acked)
        assert "heartbeat failed" in silent.log.read_text()
        proxy.heal()
        after = await arena.accepted(org, NOTHING, "after the silence")
        assert await arena.ended(after) == "COMPLETED"
    assert toll.harmless, toll


@pytest.mark.short
@pytest.mark.fault("F19")
@pytest.mark.promise("P1")
async def test_without_a_connection_left_running_work_ends_and_callers_get_an_answer(arena: Arena) -> None:
    org, gate, at = arena.org(2), arena.gate(), time.monotonic()
    run_id = await arena.accepted(org, ACT, "under way", do="wait", gate=str(gate))
    await arena.holder(run_id)
    strangers = await _all_connections(arena.running.stack.environment["JOURNAL_URL"])
    try:
        asked = [org.start(NOTHING, key=f"crowd {number}", note=f"crowd {number}") for number in range(20)]
        assert {reply.status for reply in await asyncio.gather(*asked)} <= ANSWERS
        gate.touch()
        assert await arena.ended(run_id) == "COMPLETED"
    finally:
        await asyncio.gather(*(stranger.close() for stranger in strangers))
    acked = [await arena.accepted(org, NOTHING, f"crowd {number}", note=f"crowd {number}") for number in range(20)]
    toll = await arena.charge("Postgres without a connection left", len(strangers), at, [run_id, *acked])
    assert toll.harmless, toll


@pytest.mark.short
@pytest.mark.fault("F21")
@pytest.mark.promise("P6")
async def test_a_stranger_who_holds_rows_of_one_organisation_holds_up_no_other(arena: Arena) -> None:
    held, other, at = arena.org(3), arena.org(4), time.monotonic()
    acked = [await arena.accepted(held, NOTHING, "made", note="made")]
    await arena.ended(acked[0])
    url = arena.running.stack.environment["JOURNAL_URL"]
    stranger = await asyncpg.connect(url)
    async with stranger.transaction():
        await stranger.execute("SELECT 1 FROM lane WHERE org = $1 FOR UPDATE", held.slug)
        acked += [await arena.accepted(held, NOTHING, f"held {n}", note=f"held {n}") for n in range(3)]
        free = [await arena.accepted(other, NOTHING, f"free {n}", note=f"free {n}") for n in range(5)]
        assert {await arena.ended(run_id) for run_id in free} == {"COMPLETED"}
        assert {await arena.status(run_id) for run_id in acked[1:]} == {"PENDING"}
    await stranger.close()
    toll = await arena.charge("a stranger's transaction that holds a lane", 1, at, acked + free)
    assert toll.harmless, toll


@pytest.mark.fault("F20")
@pytest.mark.promise("P1", "P2")
async def test_what_lost_a_deadlock_is_done_again_and_no_caller_hears_of_it(arena: Arena) -> None:
    """The stranger counts an organisation's runs and then asks for the lock under which its accept counts them."""
    org, at = arena.org(5), time.monotonic()
    acked = [await arena.accepted(org, NOTHING, "counted", note="counted")]
    stranger = await asyncpg.connect(arena.running.stack.environment["JOURNAL_URL"])
    await stranger.execute("SET deadlock_timeout = '1min'")  # so that it is the service which loses
    before = await stranger.fetchval(DEADLOCKS)
    async with stranger.transaction():
        await stranger.execute("UPDATE quota_started SET started = started WHERE org = $1", org.slug)
        asked = asyncio.create_task(org.start(NOTHING, key="crossed", note="crossed"))
        await until(lambda: stranger.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"), 10)
        await stranger.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 1))", org.slug)
    reply = await asked
    assert reply.status == 200, reply.json
    acked.append(str(reply.json["run_id"]))
    await until(lambda: _more_than(stranger, before), 20)
    await stranger.close()
    toll = await arena.charge("a deadlock with a stranger", 1, at, acked)
    assert toll.harmless, toll


@asynccontextmanager
async def postgres_away(arena: Arena) -> AsyncIterator[None]:
    """Let Postgres fall over, and come back only afterwards: the sandbox, which would start it, does not look."""
    parts = arena.running.stack.parts
    postgres = parts.pop("postgres")
    await postgres.stop()
    try:
        yield
    finally:
        await postgres.start()
        parts["postgres"] = postgres


@asynccontextmanager
async def through_a_proxy(arena: Arena) -> AsyncIterator[tuple[TcpProxy, str]]:
    """Give a way to the journal that can be made to fail, and its URL."""
    url = arena.running.stack.environment["JOURNAL_URL"]
    parts = urlsplit(url)
    async with TcpProxy(parts.hostname or "", parts.port or 0).serve() as proxy:
        yield proxy, url.replace(f":{parts.port}/", f":{proxy.port}/")


async def _all_connections(url: str) -> list[asyncpg.Connection[asyncpg.Record]]:
    """Take every connection that Postgres gives to its superuser, who gets the last ones, too."""
    taken = []
    try:
        while True:
            taken.append(await asyncpg.connect(url))
    except asyncpg.TooManyConnectionsError:
        return taken


async def _more_than(connection: asyncpg.Connection[asyncpg.Record], before: int) -> bool:
    return bool(await connection.fetchval(DEADLOCKS) > before)
