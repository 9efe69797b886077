"""BigQuery's own faults, injected before the emulator: each ends in one publication or in a reason one can act on."""

from __future__ import annotations

import re

import pytest

from tests.fakes.bigquery_proxy import BigQueryProxy, Fault, google_error
from tests.plugins.warehouse_desk import FACTS, FIRST, Desk, facts, open_desk
from workers.model.failure import FailedError, Reason, SnoozeError

pytestmark = pytest.mark.engine

ROWS = facts(FIRST, 3)
FOUND = {(FIRST, "completions"): 3}


def refuse(status: int, reason: str, message: str = "said by the server", **options: object) -> Fault:
    return Fault(status=status, body=google_error(status, reason, message), **options)  # type: ignore[arg-type]


def failed_job(reason: str, message: str = "said by the server") -> dict[str, object]:
    """A job as BigQuery returns it when it failed."""
    error = {"reason": reason, "message": message}
    status = {"state": "DONE", "errorResult": error, "errors": [error]}
    reference = {"projectId": "local-dev-project", "jobId": "x", "location": "US"}
    configuration = {"jobType": "QUERY", "query": {"query": "SELECT 1"}}
    return {"kind": "bigquery#job", "jobReference": reference, "configuration": configuration, "status": status}


@pytest.fixture(autouse=True)
async def prepared(faulty: Desk, proxy: BigQueryProxy) -> None:
    """The tables are there before anything fails."""
    await faulty.warehouse().ensure(FACTS)
    proxy.seen.clear()


def submitted(proxy: BigQueryProxy, job: str) -> int:
    return sum(seen.job == job for seen in proxy.seen)


@pytest.mark.fault("F48")
@pytest.mark.parametrize("job", ["load", "query"])
@pytest.mark.parametrize(
    "fault",
    [
        {"drop": True, "after": True},
        {"drop": True},
        {"status": 500, "after": True},
        {"status": 503},
        {"status": 403, "body": google_error(403, "rateLimitExceeded", "slow down")},
    ],
    ids=["lost answer", "lost request", "500 after the work", "503", "rate limit"],
)
async def test_a_job_whose_outcome_is_unknown_is_looked_up_and_done_once(
    faulty: Desk, proxy: BigQueryProxy, job: str, fault: dict[str, object]
) -> None:
    proxy.fail(Fault(job=job, **fault))  # type: ignore[arg-type]
    written = await faulty.restate(ROWS)
    assert (written.rows, written.adopted) == (3, False)
    assert await faulty.counts() == FOUND


@pytest.mark.fault("F49")
@pytest.mark.parametrize("job", ["load", "query"])
async def test_a_job_that_exists_is_not_found_and_is_found_is_adopted(
    faulty: Desk, proxy: BigQueryProxy, job: str
) -> None:
    proxy.fail(refuse(409, "duplicate", job=job, after=True))
    proxy.fail(refuse(404, "notFound", method="GET", path="/jobs/dp_", times=2))
    await faulty.restate(ROWS)
    assert await faulty.counts() == FOUND
    ids = {seen.job_id for seen in proxy.seen if seen.job == job and seen.job_id.startswith("dp_")}
    assert not any(re.search(r"_a\d+$", one) for one in ids)


@pytest.mark.fault("F49")
async def test_a_job_that_exists_but_is_not_found_at_first_is_waited_for(faulty: Desk, proxy: BigQueryProxy) -> None:
    proxy.fail(Fault(job="load", drop=True, after=True))
    proxy.fail(refuse(404, "notFound", method="GET", path="/jobs/dp_load", times=2))
    await faulty.restate(ROWS)
    assert await faulty.counts() == FOUND


@pytest.mark.fault("F50")
@pytest.mark.parametrize("reason", ["rateLimitExceeded", "backendError", "jobBackendError"])
async def test_a_job_that_failed_for_now_is_repeated_under_the_next_id(
    faulty: Desk, proxy: BigQueryProxy, reason: str
) -> None:
    proxy.fail(Fault(job="query", status=200, body=failed_job(reason)))
    await faulty.restate(ROWS)
    first, second = (seen.job_id for seen in proxy.seen if seen.job == "query")
    assert second == f"{first}_a2"
    assert await faulty.counts() == FOUND


@pytest.mark.fault("F52")
async def test_a_transaction_cancelled_by_another_is_repeated(faulty: Desk, proxy: BigQueryProxy) -> None:
    conflict = "Transaction is aborted due to concurrent update against table acme.facts"
    proxy.fail(Fault(job="query", status=200, body=failed_job("invalidQuery", conflict), times=4))
    await faulty.restate(ROWS)
    assert await faulty.counts() == FOUND


@pytest.mark.fault("F52")
async def test_a_transaction_cancelled_again_and_again_is_given_up_for_a_later_try(
    faulty: Desk, proxy: BigQueryProxy
) -> None:
    conflict = failed_job("invalidQuery", "Transaction is aborted due to concurrent update against table t")
    proxy.fail(Fault(job="query", status=200, body=conflict, times=None))
    with pytest.raises(FailedError) as raised:
        await faulty.restate(ROWS)
    assert (raised.value.failure.reason, raised.value.failure.retryable) == (Reason.WAREHOUSE_UNAVAILABLE, True)
    assert submitted(proxy, "query") == 5


@pytest.mark.fault("F51")
@pytest.mark.parametrize("job", ["load", "query"])
async def test_a_used_up_quota_gives_the_slot_back(faulty: Desk, proxy: BigQueryProxy, job: str) -> None:
    proxy.fail(refuse(403, "quotaExceeded", job=job, times=None))
    with pytest.raises(SnoozeError, match="quota of the day") as raised:
        await faulty.restate(ROWS)
    assert raised.value.delay == 3600
    assert submitted(proxy, job) == 1


@pytest.mark.fault("F56")
async def test_rows_in_the_streaming_buffer_are_waited_for_without_a_slot(faulty: Desk, proxy: BigQueryProxy) -> None:
    said = "UPDATE or DELETE statement over table t would affect rows in the streaming buffer, which is not supported"
    proxy.fail(Fault(job="query", status=200, body=failed_job("invalidQuery", said)))
    with pytest.raises(SnoozeError, match="streamed lately") as raised:
        await faulty.restate(ROWS)
    assert raised.value.delay == 5400


async def test_the_central_dataset_reports_a_used_up_quota_as_a_failure(faulty: Desk, proxy: BigQueryProxy) -> None:
    proxy.fail(refuse(403, "quotaExceeded", job="query", times=None))
    with pytest.raises(FailedError) as raised:
        await faulty.warehouses.central().query("SELECT 1 AS one", {})
    assert (raised.value.failure.reason, raised.value.failure.retry_after) == (Reason.WAREHOUSE_QUOTA, 3600)


@pytest.mark.item("I125")
@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [(403, "accessDenied", "denies access"), (404, "notFound", "does not find"), (400, "invalid", "refuses")],
)
async def test_a_refusal_for_good_is_not_repeated_and_quotes_nothing(
    faulty: Desk, proxy: BigQueryProxy, status: int, reason: str, said: str
) -> None:
    proxy.fail(refuse(status, reason, "SELECT secret FROM t at [3:7]", job="query"))
    with pytest.raises(FailedError, match=rf"BigQuery {said}.*\({reason} at 3:7\)") as raised:
        await faulty.restate(ROWS)
    assert raised.value.failure.reason is Reason.WAREHOUSE_REJECTED
    assert not raised.value.failure.retryable
    assert "secret" not in str(raised.value)


@pytest.mark.item("I125")
async def test_a_missing_dataset_is_named(proxy: BigQueryProxy, tmp_path: object) -> None:
    proxy.fail(refuse(404, "notFound", "Not found: Dataset p:nobody", path="/datasets/nobody", times=None))
    async with open_desk(proxy.url, "nobody", tmp_path / "nobody") as nobody:  # type: ignore[operator]
        with pytest.raises(FailedError, match=r"nobody\.__load_ledger: BigQuery does not find") as raised:
            await nobody.restate(ROWS)
    assert raised.value.failure.reason is Reason.WAREHOUSE_REJECTED


async def test_a_server_that_stays_away_is_unavailable(faulty: Desk, proxy: BigQueryProxy) -> None:
    proxy.fail(Fault(drop=True, times=None))
    with pytest.raises(FailedError) as raised:
        await faulty.warehouse().query("SELECT 1 AS one", {})
    assert (raised.value.failure.reason, raised.value.failure.retryable) == (Reason.WAREHOUSE_UNAVAILABLE, True)


async def test_billed_bytes_are_reported(faulty: Desk, proxy: BigQueryProxy) -> None:
    proxy.bytes_billed = 10_485_760
    assert (await faulty.restate(ROWS)).bytes_billed == 10_485_760
    assert (await faulty.warehouse().query("SELECT 1 AS one", {})).bytes_billed == 10_485_760
