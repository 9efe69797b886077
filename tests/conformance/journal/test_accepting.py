from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from tests.conformance.journal.conftest import Desk, OpenJournal, new_run
from workers.adapters.journal import PostgresJournal
from workers.model.failure import FailedError, Reason
from workers.model.lease import Added, LaneTerms, RunEnded, StepEnded
from workers.model.run import RunStatus, StepRun, StepStatus

pytestmark = pytest.mark.engine

Connection = asyncpg.Connection


async def refusal(journal: PostgresJournal, org: str = "acme", **changes: Any) -> FailedError:
    with pytest.raises(FailedError) as caught:
        await journal.add(new_run(org, **changes))
    return caught.value


def terms(**bounds: int) -> LaneTerms:
    return LaneTerms(cap=5, **bounds)


async def test_the_same_key_and_body_is_the_same_run(journal: PostgresJournal) -> None:
    first = await journal.add(new_run(idempotency_key="k", body_hash="b"))
    again = await journal.add(new_run(idempotency_key="k", body_hash="b"))
    assert again == Added(first.run_id, RunStatus.PENDING, existing=True)


@pytest.mark.promise("P8")
async def test_the_same_key_fifty_times_at_once_is_one_run(open_journal: OpenJournal) -> None:
    async with open_journal() as one, open_journal() as other:
        calls = [new_run(idempotency_key="k", body_hash="b") for _ in range(50)]
        added = await asyncio.gather(*((one, other)[n % 2].add(new) for n, new in enumerate(calls)))
        assert len({answer.run_id for answer in added}) == 1
        assert sum(not answer.existing for answer in added) == 1
        assert (await one.depth()).waiting == 1


@pytest.mark.promise("P8")
async def test_the_same_key_with_another_body_is_refused(journal: PostgresJournal) -> None:
    await journal.add(new_run(idempotency_key="k", body_hash="b"))
    error = await refusal(journal, idempotency_key="k", body_hash="c")
    assert error.failure.reason is Reason.IDEMPOTENCY_MISMATCH
    assert (await journal.depth()).waiting == 1


async def test_a_key_belongs_to_its_organisation(journal: PostgresJournal) -> None:
    first = await journal.add(new_run("acme", idempotency_key="k", body_hash="b"))
    other = await journal.add(new_run("other", idempotency_key="k", body_hash="c"))
    known = await journal.find_key("acme", "k")
    assert known is not None
    assert (known.run_id, known.body_hash, known.status) == (first.run_id, "b", RunStatus.PENDING)
    assert not other.existing
    assert await journal.find_key("third", "k") is None


async def test_a_key_stands_for_its_run_after_the_end(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease(idempotency_key="k", body_hash="b")
    await desk.finish(lease)
    again = await journal.add(new_run(idempotency_key="k", body_hash="b"))
    assert again == Added(lease.run.run_id, RunStatus.COMPLETED, existing=True)


async def test_a_key_of_yesterday_stands_for_nothing(journal: PostgresJournal, database: Connection) -> None:
    await journal.add(new_run(idempotency_key="k", body_hash="b"))
    await database.execute("UPDATE idempotency SET created_at = created_at - interval '25 hours'")
    assert await journal.find_key("acme", "k") is None
    assert not (await journal.add(new_run(idempotency_key="k", body_hash="c"))).existing


async def test_a_refused_call_leaves_its_key_free(journal: PostgresJournal) -> None:
    await refusal(journal, idempotency_key="k", body_hash="b", terms=terms(waiting_limit=0))
    assert await journal.find_key("acme", "k") is None


async def test_a_live_run_of_the_same_parameters_is_returned(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease(parameters_hash="p")
    again = await journal.add(new_run(parameters_hash="p", idempotency_key="k", body_hash="b"))
    assert again == Added(lease.run.run_id, RunStatus.RUNNING, existing=True)
    await desk.finish(lease)
    assert not (await journal.add(new_run(parameters_hash="p"))).existing
    known = await journal.find_key("acme", "k")
    assert known is not None
    assert known.run_id == lease.run.run_id


async def test_the_same_parameters_at_once_are_one_run(journal: PostgresJournal) -> None:
    added = await asyncio.gather(*(journal.add(new_run(parameters_hash="p")) for _ in range(20)))
    assert len({answer.run_id for answer in added}) == 1


@pytest.mark.parametrize(
    "change", [{"force_refresh": True}, {"org_slug": "other"}, {"pipeline": "other"}, {"parameters_hash": "q"}]
)
async def test_anything_else_is_another_run(journal: PostgresJournal, change: dict[str, Any]) -> None:
    await journal.add(new_run(parameters_hash="p"))
    assert not (await journal.add(new_run(**{"parameters_hash": "p", **change}))).existing


async def test_a_run_that_is_being_cancelled_is_not_offered(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease(parameters_hash="p")
    await journal.cancel("acme", lease.run.run_id)
    assert not (await journal.add(new_run(parameters_hash="p"))).existing


@pytest.mark.fault("F36")
async def test_waiting_runs_of_an_organisation_are_bounded(journal: PostgresJournal, desk: Desk) -> None:
    await desk.add("acme", 3, terms=terms(waiting_limit=3))
    failure = (await refusal(journal, terms=terms(waiting_limit=3))).failure
    assert (failure.reason, failure.retryable) == (Reason.QUEUE_FULL, True)
    assert failure.retry_after is not None
    await journal.claim("w1", 1)
    await desk.add("acme", 1, terms=terms(waiting_limit=3))
    await desk.add("other", 1, terms=terms(waiting_limit=3))


async def test_waiting_runs_are_bounded_in_all(open_journal: OpenJournal) -> None:
    async with open_journal(waiting_limit_total=3) as journal:
        desk = Desk(journal)
        await desk.add("a", 2)
        await desk.add("b", 1)
        assert (await refusal(journal, "c")).failure.reason is Reason.SERVICE_UNAVAILABLE
        await journal.claim("w1", 1)
        await desk.add("c", 1)


async def test_the_daily_quota_is_exact_under_concurrency(open_journal: OpenJournal) -> None:
    async with open_journal() as one, open_journal() as other:
        runs = [new_run(terms=terms(daily_limit=7)) for _ in range(40)]
        calls = [(one, other)[n % 2].add(new) for n, new in enumerate(runs)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, FailedError)]
        assert len(refused) == 33
        assert {error.failure.reason for error in refused} == {Reason.QUOTA_EXCEEDED}
        assert all(0 < (error.failure.retry_after or 0) <= 86_400 for error in refused)


async def test_the_monthly_quota_counts_earlier_days(journal: PostgresJournal, database: Connection) -> None:
    await database.execute("INSERT INTO quota_started VALUES ('acme', date_trunc('month', today())::date, 9)")
    await database.execute("UPDATE quota_started SET day = day + 1 WHERE day = today()")
    bounds = terms(monthly_limit=10)
    await journal.add(new_run(terms=bounds))
    failure = (await refusal(journal, terms=bounds)).failure
    assert failure.reason is Reason.QUOTA_EXCEEDED
    assert 0 < (failure.retry_after or 0) <= 31 * 86_400


@pytest.mark.fault("F75")
async def test_a_run_that_cannot_be_kept_costs_its_companions_nothing(journal: PostgresJournal) -> None:
    taken = await journal.add(new_run())
    runs = [new_run(), new_run(run_id=taken.run_id), new_run("other")]
    first, second, third = await asyncio.gather(*map(journal.add, runs), return_exceptions=True)
    assert isinstance(first, Added)
    assert isinstance(second, FailedError)
    assert isinstance(third, Added)


@pytest.mark.fault("F33")
async def test_a_caller_that_leaves_does_not_tear_the_commit_of_others(open_journal: OpenJournal) -> None:
    leaving: asyncio.Task[Added] | None = None

    def leave(name: str) -> None:
        if name == "accept.before_commit" and leaving:
            leaving.cancel()

    async with open_journal(failpoint=leave) as journal:
        mine, theirs = new_run(), new_run()
        leaving = asyncio.get_running_loop().create_task(journal.add(mine))
        assert (await journal.add(theirs)).run_id == theirs.run_id
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert await journal.find_run("acme", mine.run_id) is not None


async def test_a_retry_adopts_what_succeeded(journal: PostgresJournal, desk: Desk) -> None:
    steps = (StepRun("one", "a.b"), StepRun("two", "a.c"))
    lease = await desk.lease(steps=steps)
    done = StepRun("one", "a.b", StepStatus.COMPLETED, attempt=2, rows=9, bytes=90, output={"k": "v"})
    await journal.record(lease, StepEnded(done), StepEnded(StepRun("two", "a.c", StepStatus.FAILED)))
    await journal.record(lease, RunEnded(RunStatus.FAILED))
    again = new_run(steps=steps, retry_of=lease.run.run_id, adopt=("one", "two"))
    await journal.add(again)
    run = await journal.find_run("acme", again.run_id)
    assert run is not None
    one, two = run.steps
    assert (one.status, one.rows, one.bytes, one.output) == (StepStatus.COMPLETED, 9, 90, {"k": "v"})
    assert two.status is StepStatus.PENDING
    assert run.retry_of == lease.run.run_id


@pytest.mark.parametrize("changes", [{"force_refresh": True}, {"parameters_hash": "of another day"}])
async def test_a_second_retry_is_the_first_one_while_that_is_live(
    journal: PostgresJournal, desk: Desk, changes: dict[str, Any]
) -> None:
    first = await desk.lease()
    await desk.finish(first, status=RunStatus.FAILED)
    retries = [new_run(retry_of=first.run.run_id, **changes) for _ in range(9)]
    added = await asyncio.gather(*map(journal.add, retries))
    assert ({answer.run_id for answer in added}, sum(not answer.existing for answer in added)) == ({added[0].run_id}, 1)
    (retry,) = await journal.claim("w1", 9)
    assert (await journal.add(new_run(retry_of=first.run.run_id, **changes))).status is RunStatus.RUNNING
    await desk.finish(retry)
    assert not (await journal.add(new_run(retry_of=first.run.run_id, **changes))).existing


async def test_a_retry_stands_for_nothing_to_another_organisation_or_once_it_is_being_cancelled(
    journal: PostgresJournal, desk: Desk
) -> None:
    first = await desk.lease()
    await desk.finish(first, status=RunStatus.FAILED)
    lease = await desk.lease(retry_of=first.run.run_id)
    assert not (await journal.add(new_run("other", retry_of=first.run.run_id))).existing
    await journal.cancel("acme", lease.run.run_id)
    assert not (await journal.add(new_run(retry_of=first.run.run_id))).existing


async def test_nothing_is_adopted_from_another_organisation(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease("other")
    await journal.record(lease, StepEnded(StepRun("extract_usage", "", StepStatus.COMPLETED)))
    mine = new_run("acme", retry_of=lease.run.run_id, adopt=("extract_usage",))
    await journal.add(mine)
    run = await journal.find_run("acme", mine.run_id)
    assert run is not None
    assert run.steps[0].status is StepStatus.PENDING


async def test_a_step_that_is_switched_off_is_kept_so(journal: PostgresJournal) -> None:
    new = new_run(steps=(StepRun("off", "a.b", StepStatus.SKIPPED),))
    await journal.add(new)
    run = await journal.find_run("acme", new.run_id)
    assert run is not None
    assert run.steps[0].status is StepStatus.SKIPPED


async def test_runs_are_numbered_in_the_order_of_acceptance(journal: PostgresJournal, desk: Desk) -> None:
    ids = await desk.add("acme", 4, cap=9)
    leases = await journal.claim("w1", 9)
    ordered = sorted(leases, key=lambda lease: lease.run_seq)
    assert [lease.run.run_id for lease in ordered] == ids


async def test_runs_are_listed_newest_first_by_keyset(journal: PostgresJournal, desk: Desk) -> None:
    ids = await desk.add("acme", 5)
    await desk.add("other", 1)
    page = await journal.list_runs("acme", limit=3)
    rest = await journal.list_runs("acme", limit=3, before=(page[-1].created_at, page[-1].run_id))
    assert [run.run_id for run in (*page, *rest)] == ids[::-1]


async def test_runs_are_listed_by_pipeline_and_status(journal: PostgresJournal, desk: Desk) -> None:
    lease = await desk.lease(pipeline_id="p1")
    await desk.add("acme", 1, pipeline_id="p1")
    await desk.add("acme", 1, pipeline_id="p2")
    assert len(await journal.list_runs("acme", pipeline_id="p1")) == 2
    running = await journal.list_runs("acme", status=RunStatus.RUNNING)
    assert [run.run_id for run in running] == [lease.run.run_id]
    assert await journal.list_runs("acme", status=RunStatus.COMPLETED) == ()


async def test_every_commit_has_a_point_before_and_after(open_journal: OpenJournal) -> None:
    passed: list[str] = []
    async with open_journal(failpoint=passed.append) as journal:
        desk = Desk(journal)
        await desk.finish(await desk.lease())
    assert passed == [
        "accept.before_commit",
        "accept.after_commit",
        "claim.before_commit",
        "claim.after_commit",
        "claim.after",
        "finish.before_commit",
        "record.before_commit",
        "record.after_commit",
        "finish.after_commit",
    ]
