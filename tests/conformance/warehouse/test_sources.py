"""An organisation's own tables, read with its credential: what it costs is bounded, what hangs hangs alone."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import pytest
from google.cloud.bigquery import SchemaField, Table

from server.clock import SystemClock
from tests.fakes.bigquery_proxy import BigQueryProxy, Fault, google_error
from workers.adapters.bigquery import BigQuerySources
from workers.model.failure import FailedError, Reason, SnoozeError
from workers.model.secret import Secret
from workers.model.table_path import TablePath
from workers.ports import Access, Question

pytestmark = pytest.mark.engine

PROJECT = "their-project"
KEY_FILE = json.dumps(
    {"type": "service_account", "project_id": PROJECT, "private_key": "-", "client_email": "reader@example.org"}
)
ACCESS = Access("GCP_SA", Secret(KEY_FILE), "https://token.example")
NUMBERS = "SELECT n FROM UNNEST(GENERATE_ARRAY(1, @most)) AS n ORDER BY n"
_numbers = itertools.count()


def question(most_bytes: int = 10**9) -> Question:
    return Question(NUMBERS, {"most": 5}, "US", most_bytes)


@pytest.fixture
def sources(proxy: BigQueryProxy) -> BigQuerySources:
    return BigQuerySources(SystemClock(), lambda: 0.01, lambda: f"s{next(_numbers)}", proxy.url, page_rows=2)


async def test_an_answer_comes_by_pages_and_may_bill_no_more_than_was_said(
    sources: BigQuerySources, proxy: BigQueryProxy
) -> None:
    async with sources.open(ACCESS) as source:
        answer = await source.ask(question(123_456))
        pages = [batch.num_rows async for batch in answer.batches()]
    assert (pages, source.project) == ([2, 2, 1], PROJECT)
    [asked] = [seen for seen in proxy.seen if seen.job]
    assert f"/projects/{PROJECT}/" in asked.path
    assert asked.configuration["query"]["maximumBytesBilled"] == "123456"


async def test_what_it_would_cost_is_told_beforehand(sources: BigQuerySources, proxy: BigQueryProxy) -> None:
    proxy.bytes_billed = 4096
    async with sources.open(ACCESS) as source:
        assert await source.estimate(question()) == 4096
        assert (await source.rows(question())).bytes_billed == 4096


async def test_a_table_is_described_with_its_records(sources: BigQuerySources, bq: Any) -> None:
    inner = SchemaField("project", "RECORD", fields=[SchemaField("id", "STRING")])
    await asyncio.to_thread(bq.create_dataset, f"{PROJECT}.seen", exists_ok=True)
    await asyncio.to_thread(bq.create_table, Table(f"{PROJECT}.seen.t", [inner]), exists_ok=True)
    async with sources.open(ACCESS) as source:
        found = await source.describe(TablePath(PROJECT, "seen", "t"))
    assert found.columns == {"project", "project.id"}
    assert not found.by_arrival


@pytest.mark.parametrize(
    ("status", "reason", "becomes", "said"),
    [
        (403, "accessDenied", Reason.PROVIDER_AUTH, "denies the credential access"),
        (404, "notFound", Reason.PROVIDER_REFUSED, "does not find the project, dataset or table"),
        (400, "bytesBilledLimitExceeded", Reason.PROVIDER_REFUSED, "would bill more bytes than the step may"),
        (503, "backendError", Reason.PROVIDER_UNAVAILABLE, "does not answer"),
    ],
)
async def test_a_failure_is_the_providers(
    sources: BigQuerySources, proxy: BigQueryProxy, status: int, reason: str, becomes: Reason, said: str
) -> None:
    proxy.fail(Fault(status=status, body=google_error(status, reason, "SELECT secret FROM t"), times=None))
    async with sources.open(ACCESS) as source:
        with pytest.raises(FailedError, match=said) as raised:
            await source.rows(question())
    failure = raised.value.failure
    assert (failure.reason, failure.metadata["provider"]) == (becomes, "GCP_SA")
    assert failure.retryable is (becomes is Reason.PROVIDER_UNAVAILABLE)
    assert "secret" not in failure.message


async def test_a_quota_that_is_used_up_gives_the_slot_back(sources: BigQuerySources, proxy: BigQueryProxy) -> None:
    proxy.fail(Fault(status=403, body=google_error(403, "quotaExceeded", "")))
    async with sources.open(ACCESS) as source:
        with pytest.raises(SnoozeError, match="quota of the organisation's project"):
            await source.rows(question())


async def test_what_hangs_in_one_project_holds_up_no_other(sources: BigQuerySources, proxy: BigQueryProxy) -> None:
    healed = asyncio.Event()
    proxy.fail(Fault(path="their-project", until=healed, times=None))
    async with asyncio.TaskGroup() as group, sources.open(ACCESS) as hanging:
        hung = [group.create_task(hanging.rows(question())) for _ in range(20)]
        other = Access("GCP_SA", Secret(KEY_FILE.replace(PROJECT, "other-project")), "https://token.example")
        async with sources.open(other) as source:
            assert len((await source.rows(question())).rows) == 5
        assert not any(task.done() for task in hung)
        healed.set()
        for task in hung[1:]:
            task.cancel()
        await hung[0]


async def test_a_source_that_is_closed_asks_nothing_more(sources: BigQuerySources, proxy: BigQueryProxy) -> None:
    async with sources.open(ACCESS) as source:
        await source.rows(question())
    asked = len(proxy.seen)
    with pytest.raises(RuntimeError, match="after shutdown"):
        await source.rows(question())
    assert len(proxy.seen) == asked
