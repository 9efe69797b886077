"""BigQuery fails in its own ways between a worker and its tables: each day is loaded once, and nobody else waits."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import pytest
import pytest_asyncio
from attrs import evolve

from sandbox.bigquery.connect import PROJECT
from tests.chaos.arena import Arena
from tests.chaos.aside import due, waiting
from tests.chaos.behind import behind_a_proxy
from tests.chaos.lab import ACT
from tests.fakes.bigquery_proxy import BigQueryProxy, Fault, google_error
from tests.fakes.org_client import EXTRACT, NOTHING, OrgClient
from tests.fakes.until import until

LOAD, PROMOTE = "dp_load_", "dp_promote_"
JOBS: dict[str, tuple[str, dict[str, Any]]] = {
    LOAD: ("load", {"destinationTable": {}}),
    PROMOTE: ("query", {"query": "SELECT 1"}),
}
SAID = "said by the server"
CONFLICT = "Transaction is aborted due to concurrent update against table t"
STREAMED = "UPDATE or DELETE statement over table t would affect rows in the streaming buffer, which is not supported"
USED_UP = google_error(403, "quotaExceeded", SAID)

AT_LEAST = 60  # seconds
CAP = "SELECT cap FROM lane WHERE org = $1"
HELD = "SELECT count(*) FROM queue WHERE org = $1 AND state = 'leased'"


def failed(job: str, reason: str, message: str = SAID) -> Fault:
    """BigQuery takes the job and reports that it failed."""
    kind, configuration = JOBS[job]
    error = {"reason": reason, "message": message}
    body = {
        "jobReference": {"projectId": PROJECT, "jobId": "x", "location": "US"},
        "configuration": {"jobType": kind.upper(), kind: configuration},
        "status": {"state": "DONE", "errorResult": error, "errors": [error]},
    }
    return Fault(job_id=job, status=200, body=body)


def refused(job: str) -> Fault:
    """BigQuery takes no such job any more today."""
    return Fault(job_id=job, status=403, body=USED_UP)


@pytest_asyncio.fixture(scope="module")
async def between(whole_arena: Arena) -> AsyncIterator[BigQueryProxy]:
    async with behind_a_proxy(whole_arena) as proxy:
        yield proxy


@pytest.fixture
async def proxy(between: BigQueryProxy) -> AsyncIterator[BigQueryProxy]:
    between.seen.clear()
    yield between
    between.heal()


def submitted(proxy: BigQueryProxy, job: str) -> dict[str, list[int]]:
    """What was answered to each submission of such jobs, by their ids."""
    found: dict[str, list[int]] = {}
    for seen in proxy.seen:
        if seen.job and seen.job_id.startswith(job):
            found.setdefault(seen.job_id, []).append(seen.status)
    return found


def later_ids(asked: Iterable[str]) -> list[str]:
    """Return the ids of jobs that were tried again."""
    return [job_id for job_id in asked if re.search(r"_a\d$", job_id)]


def looked_up(proxy: BigQueryProxy, job_id: str) -> list[int]:
    """What was answered to whoever asked for a job."""
    return [seen.status for seen in proxy.seen if seen.method == "GET" and f"/jobs/{job_id}?" in seen.path]


@pytest.mark.fault("F48")
@pytest.mark.promise("P10")
@pytest.mark.parametrize("answer", [{"status": 500}, {"drop": True}], ids=["500", "no answer"])
async def test_a_job_that_bigquery_made_and_did_not_own_up_to_is_adopted_and_its_rows_stand_once(
    arena: Arena, proxy: BigQueryProxy, answer: dict[str, Any]
) -> None:
    org, day, at = arena.org(0), arena.next_day(), time.monotonic()
    for job in (LOAD, PROMOTE):
        proxy.fail(Fault(job_id=job, after=True, **answer))
    run_id = await arena.accepted(org, EXTRACT, day, date=day)
    toll = await arena.charge(f"BigQuery says {answer.get('status', 'nothing')} of a job it made", 2, at, [run_id])
    assert toll.harmless, toll
    await arena.as_the_source(org, day)
    for job in (LOAD, PROMOTE):
        asked = submitted(proxy, job)
        (struck,) = [job_id for job_id, answers in asked.items() if answers != [200]]
        assert asked[struck] == [answer.get("status", 0)]
        assert 200 in looked_up(proxy, struck)
        assert later_ids(asked) == []


@pytest.mark.fault("F49")
@pytest.mark.promise("P10")
async def test_a_job_that_exists_is_not_there_and_is_there_again_is_adopted(arena: Arena, proxy: BigQueryProxy) -> None:
    org, day, at = arena.org(1), arena.next_day(), time.monotonic()
    for job in (LOAD, PROMOTE):
        proxy.fail(Fault(job_id=job, status=409, body=google_error(409, "duplicate", SAID), after=True))
        absent = google_error(404, "notFound", SAID)
        proxy.fail(Fault(method="GET", path=f"/jobs/{job}", status=404, body=absent, times=2))
    run_id = await arena.accepted(org, EXTRACT, day, date=day)
    toll = await arena.charge("BigQuery says 409, then 404, then 200 of a job", 2, at, [run_id])
    assert toll.harmless, toll
    await arena.as_the_source(org, day)
    for job in (LOAD, PROMOTE):
        asked = submitted(proxy, job)
        (struck,) = [job_id for job_id, answers in asked.items() if answers != [200]]
        assert set(asked[struck]) == {409}
        assert looked_up(proxy, struck)[:3] == [404, 404, 200]
        assert later_ids(asked) == []


@pytest.mark.promise("P10")
@pytest.mark.parametrize(
    ("jobs", "reason", "message", "times"),
    [
        pytest.param((LOAD, PROMOTE), "rateLimitExceeded", SAID, 1, marks=pytest.mark.fault("F50"), id="rate limit"),
        pytest.param((LOAD, PROMOTE), "backendError", SAID, 2, marks=pytest.mark.fault("F50"), id="backend error"),
        pytest.param((PROMOTE,), "invalidQuery", CONFLICT, 3, marks=pytest.mark.fault("F52"), id="other transaction"),
    ],
)
async def test_a_job_that_failed_for_now_is_done_under_the_next_id(
    arena: Arena, proxy: BigQueryProxy, jobs: Sequence[str], reason: str, message: str, times: int
) -> None:
    org, day, at = arena.org(2), arena.next_day(), time.monotonic()
    struck = [proxy.fail(evolve(failed(job, reason, message), times=times)) for job in jobs]
    run_id = await arena.accepted(org, EXTRACT, day, date=day)
    toll = await arena.charge(
        f"BigQuery jobs that fail by {reason}, {times} of a kind", times * len(jobs), at, [run_id]
    )
    assert toll.harmless, toll
    await arena.as_the_source(org, day)
    assert all(fault.matched > times for fault in struck)
    for job in jobs:
        asked = submitted(proxy, job)
        assert Counter(answer for answers in asked.values() for answer in answers) == {200: len(asked)}
        assert len(later_ids(asked)) == times


@pytest.mark.promise("P13")
@pytest.mark.parametrize(
    ("fault", "why"),
    [
        pytest.param(refused(LOAD), "quota of the day is used up", marks=pytest.mark.fault("F51"), id="load"),
        pytest.param(refused(PROMOTE), "quota of the day is used up", marks=pytest.mark.fault("F51"), id="promote"),
        pytest.param(
            failed(PROMOTE, "invalidQuery", STREAMED),
            "rows streamed lately",
            marks=pytest.mark.fault("F56"),
            id="streaming buffer",
        ),
    ],
)
async def test_a_run_that_bigquery_holds_up_for_long_waits_aside_says_why_and_is_done_later(
    arena: Arena, proxy: BigQueryProxy, fault: Fault, why: str
) -> None:
    org, day, at = arena.org(3), arena.next_day(), time.monotonic()
    fault = proxy.fail(evolve(fault, times=None))
    run_id = await arena.accepted(org, EXTRACT, day, date=day)
    told, seconds = await waiting(arena, run_id)
    tries, before = submitted(proxy, fault.job_id), fault.matched
    assert (why in told, seconds > AT_LEAST) == (True, True)
    assert any(why in one["message"] for one in (await org.explain(run_id))["reasons"])
    assert (await arena.run(org, run_id))["status"] == "PENDING"
    beside = await as_many_as_may(arena, org, day)
    assert {job_id: len(answers) for job_id, answers in tries.items()} == dict.fromkeys(tries, 1)
    assert 1 <= before == fault.matched
    proxy.heal()
    await due(arena, run_id)
    toll = await arena.charge(f"BigQuery: {why}", before, at, [run_id, *beside])
    assert toll.harmless, toll
    await arena.as_the_source(org, day)


async def as_many_as_may(arena: Arena, org: OrgClient, note: str) -> list[str]:
    """Let an organisation run as many at once as its cap lets it, and one of another organisation; return them."""
    cap, gate = await arena.running.journal.fetchval(CAP, org.slug), arena.gate()
    acts = [
        await arena.accepted(org, ACT, f"{note} {number}", do="wait", gate=str(gate), note=str(number))
        for number in range(cap)
    ]

    async def all_at_once() -> bool:
        return bool(await arena.running.journal.fetchval(HELD, org.slug) == cap)

    await until(all_at_once, 30)
    gate.touch()
    other = await arena.accepted(arena.org(7), NOTHING, f"beside {note}", note=note)
    assert {await arena.ended(run_id) for run_id in (*acts, other)} == {"COMPLETED"}
    return [*acts, other]
