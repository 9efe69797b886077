"""The fault proxy before the emulator: it is invisible until told otherwise, and then does just what it was told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from google.api_core.exceptions import Conflict, Forbidden
from requests.exceptions import ConnectionError as LostConnection

from sandbox.bigquery.connect import connect
from tests.fakes.bigquery_proxy import BigQueryProxy, Fault, google_error
from tests.plugins.emulator_calls import DAYS, create_table, fill, load, numbers, query

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sandbox.bigquery.launch import Emulator

pytestmark = pytest.mark.engine


@pytest.fixture
async def proxy(emulator: Emulator) -> AsyncIterator[BigQueryProxy]:
    async with BigQueryProxy(emulator.rest) as proxy:
        yield proxy


@pytest.fixture
async def through(proxy: BigQueryProxy, bq: Any) -> AsyncIterator[Any]:
    """A client behind the proxy; the dataset comes from the client before it."""
    assert bq.get_dataset("ds")
    with connect(proxy.url) as client:
        yield client


def submit(client: Any, job_id: str) -> Any:
    return client.query("SELECT 1 AS one", job_id=job_id, retry=None, job_retry=None, timeout=20)


async def test_an_unarmed_proxy_loads_and_queries_like_the_emulator(through: Any, proxy: BigQueryProxy) -> None:
    table = await asyncio.to_thread(create_table, through)
    await asyncio.to_thread(fill, through, table)
    assert await asyncio.to_thread(query, through, f"SELECT COUNT(*) AS n FROM {table}") == [(2,)]
    assert {seen.job for seen in proxy.seen} == {None, "load", "query"}


async def test_the_nth_job_of_a_kind_is_refused_with_the_given_body(through: Any, proxy: BigQueryProxy) -> None:
    proxy.fail(Fault(job="query", nth=2, status=403, body=google_error(403, "rateLimitExceeded", "slow down")))
    await asyncio.to_thread(submit, through, f"first_{next(numbers)}")
    refused = f"refused_{next(numbers)}"
    with pytest.raises(Forbidden, match="slow down"):
        await asyncio.to_thread(submit, through, refused)
    await asyncio.to_thread(submit, through, refused)


async def test_an_answer_lost_after_the_work_was_done_leaves_the_job_behind(through: Any, proxy: BigQueryProxy) -> None:
    proxy.fail(Fault(job="query", drop=True, after=True))
    lost = f"lost_{next(numbers)}"
    with pytest.raises(LostConnection):
        await asyncio.to_thread(submit, through, lost)
    with pytest.raises(Conflict):
        await asyncio.to_thread(submit, through, lost)
    assert (await asyncio.to_thread(through.get_job, lost)).state == "DONE"


async def test_a_load_refused_before_it_was_forwarded_never_happened(through: Any, proxy: BigQueryProxy) -> None:
    table = await asyncio.to_thread(create_table, through)
    proxy.fail(Fault(method="PUT", job="load", status=403, body=google_error(403, "accessDenied", "not yours")))
    with pytest.raises(Forbidden):
        await asyncio.to_thread(load, through, table, {"id": ["x"], "day": DAYS[:1]}, f"never_{next(numbers)}")
    assert await asyncio.to_thread(query, through, f"SELECT COUNT(*) AS n FROM {table}") == [(0,)]


async def test_bytes_billed_are_what_the_proxy_says(through: Any, proxy: BigQueryProxy) -> None:
    proxy.bytes_billed = 10_485_760
    job = await asyncio.to_thread(submit, through, f"billed_{next(numbers)}")
    assert await asyncio.to_thread(lambda: [row.one for row in job.result()]) == [1]
    found = await asyncio.to_thread(through.get_job, job.job_id)
    assert (found.total_bytes_billed, found.total_bytes_processed) == (10_485_760, 10_485_760)


async def test_a_held_request_is_answered_once_it_is_let_go(through: Any, proxy: BigQueryProxy) -> None:
    gate = asyncio.Event()
    held = proxy.fail(Fault(job="query", until=gate))
    waiting = asyncio.ensure_future(asyncio.to_thread(submit, through, f"held_{next(numbers)}"))
    await asyncio.to_thread(through.get_dataset, "ds")
    await proxy.until_seen(1, "/datasets/ds")
    assert not waiting.done()
    gate.set()
    assert (await waiting).state == "DONE"
    assert held.matched == 1
