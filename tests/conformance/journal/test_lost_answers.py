from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from tests.conformance.journal.conftest import Desk, OpenJournal, new_run
from tests.fakes.tcp_proxy import TcpProxy
from workers.adapters.journal import PostgresJournal
from workers.model.failure import Code, FailedError, Reason
from workers.model.lease import Added, Logged, RunEnded
from workers.model.run import EventType, RunStatus

pytestmark = pytest.mark.engine


@pytest.fixture
async def proxy(journal_url: str) -> AsyncIterator[TcpProxy]:
    parts = urlsplit(journal_url)
    async with TcpProxy(parts.hostname or "", parts.port or 0).serve() as serving:
        yield serving


@pytest.fixture
def proxied_url(journal_url: str, proxy: TcpProxy) -> str:
    parts = urlsplit(journal_url)
    return journal_url.replace(f":{parts.port}/", f":{proxy.port}/")


@pytest.fixture
async def far(open_journal: OpenJournal, proxied_url: str) -> AsyncIterator[PostgresJournal]:
    async with open_journal(proxied_url, command_timeout=1.0) as journal:
        await journal.ping()
        yield journal


def mark(run_id: object) -> bytes:
    return str(run_id).encode()


@pytest.mark.fault("F16")
@pytest.mark.promise("P1")
async def test_an_accepted_run_whose_answer_is_lost_is_answered_truthfully(
    far: PostgresJournal, proxy: TcpProxy
) -> None:
    runs = [new_run() for _ in range(3)]
    proxy.lose_answer_to(mark(runs[1].run_id))
    added = await asyncio.gather(*map(far.add, runs))
    assert added == [Added(new.run_id, RunStatus.PENDING) for new in runs]
    assert (proxy.lost, (await far.depth()).waiting) == (1, 3)


async def test_a_call_that_never_arrived_is_refused_and_leaves_nothing(far: PostgresJournal, proxy: TcpProxy) -> None:
    new = new_run(idempotency_key="k", body_hash="b")
    proxy.lose_question(mark(new.run_id))
    with pytest.raises(FailedError) as caught:
        await far.add(new)
    failure = caught.value.failure
    assert (failure.code, failure.reason, failure.retryable) == (Code.UNAVAILABLE, Reason.SERVICE_UNAVAILABLE, True)
    assert await far.find_key("acme", "k") is None
    assert not (await far.add(new)).existing


@pytest.mark.fault("F16")
@pytest.mark.promise("P2")
async def test_an_end_whose_answer_is_lost_is_written_once(far: PostgresJournal, proxy: TcpProxy) -> None:
    lease = await Desk(far).lease()
    proxy.lose_answer_to(mark(lease.run.run_id))
    await far.record(lease, Logged("done"), RunEnded(RunStatus.COMPLETED))
    events = [event.type for event in await far.events(lease.run.run_id, 0)]
    assert events == [EventType.QUEUED, EventType.STARTED, EventType.LOG, EventType.TERMINAL]
    assert proxy.lost == 1


async def test_marks_that_never_arrived_are_written_after_all(far: PostgresJournal, proxy: TcpProxy) -> None:
    lease = await Desk(far).lease()
    proxy.lose_question(mark(lease.run.run_id))
    await far.record(lease, Logged("one"))
    await far.record(lease, Logged("two"))
    assert [event.message for event in await far.events(lease.run.run_id, 2)] == ["one", "two"]


async def test_marks_whose_answer_is_lost_are_written_once(far: PostgresJournal, proxy: TcpProxy) -> None:
    lease = await Desk(far).lease()
    proxy.lose_answer_to(mark(lease.run.run_id))
    await far.record(lease, Logged("one"))
    assert [event.message for event in await far.events(lease.run.run_id, 2)] == ["one"]


@pytest.mark.fault("F16")
@pytest.mark.promise("P13")
async def test_a_claim_whose_answer_is_lost_keeps_its_leases(far: PostgresJournal, proxy: TcpProxy) -> None:
    desk = Desk(far)
    await desk.lease(worker="worker-one")
    ids = await desk.add("acme", 2)
    proxy.lose_answer_to(b"worker-one")
    leases = await far.claim("worker-one", 5)
    assert [lease.run.run_id for lease in leases] == ids
    assert proxy.lost == 1


@pytest.mark.fault("F17")
async def test_a_silent_journal_fails_a_call_in_time_and_comes_back(far: PostgresJournal, proxy: TcpProxy) -> None:
    proxy.swallow()
    with pytest.raises(FailedError) as caught:
        async with asyncio.timeout(5):
            await far.ping()
    assert caught.value.failure.reason is Reason.SERVICE_UNAVAILABLE
    proxy.heal()
    await far.ping()


async def test_broken_connections_are_replaced(far: PostgresJournal, proxy: TcpProxy) -> None:
    await Desk(far).add()
    proxy.cut()
    with pytest.raises(FailedError):
        await far.ping()
    assert (await far.depth()).waiting == 1


async def test_wakes_cross_replicas_and_survive_a_broken_connection(
    far: PostgresJournal, journal: PostgresJournal, proxy: TcpProxy
) -> None:
    heard = asyncio.Event()
    far.on_wake(heard.set)
    async with asyncio.TaskGroup() as group:
        listening = [group.create_task(one.listen()) for one in (far, journal)]
        for _ in range(2):
            async with asyncio.timeout(10):
                await heard.wait()  # a bell that connects rings once: it may have missed something
                heard.clear()
                await Desk(journal).add()
                await heard.wait()
            heard.clear()
            proxy.cut()
        for task in listening:
            task.cancel()
