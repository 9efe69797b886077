"""What one attempt leaves half done, the next one finds: nothing is loaded twice, nothing is lost or mixed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.bigquery.connect import PROJECT
from tests.fakes.bigquery_proxy import BigQueryProxy, Fault, google_error
from tests.plugins.warehouse_desk import FACTS, FIRST, SECOND, WINDOW, Desk, facts, open_desk
from workers.ports import Row

pytestmark = pytest.mark.engine

ROWS = [*facts(FIRST, 1200), *facts(SECOND, 800)]


class Killed(BaseException):
    """The process is gone."""


def dies_at(name: str) -> Callable[[str], None]:
    def failpoint(reached: str) -> None:
        if reached == name:
            raise Killed

    return failpoint


async def die(proxy: BigQueryProxy, dataset: str, spool_dir: Path, at: str, rows: list[Row] = ROWS) -> None:
    async with open_desk(proxy.url, dataset, spool_dir, failpoint=dies_at(at), rotate_bytes=1) as desk:
        with pytest.raises(Killed):
            await desk.restate(rows, fence=1)
    proxy.seen.clear()


def statuses(proxy: BigQueryProxy, job: str) -> list[int]:
    return [seen.status for seen in proxy.seen if seen.job == job]


@pytest.fixture
async def second(proxy: BigQueryProxy, dataset: str, tmp_path: Path) -> Any:
    """Warehouses of a process that comes after the one that dies."""
    async with open_desk(proxy.url, dataset, tmp_path / "second", rotate_bytes=1) as desk:
        yield desk


@pytest.mark.promise("P10")
async def test_an_attempt_that_died_after_loading_is_adopted_file_by_file(
    proxy: BigQueryProxy, dataset: str, tmp_path: Path, second: Desk
) -> None:
    await die(proxy, dataset, tmp_path / "spool", "promote.before")
    written = await second.restate(ROWS, fence=2)
    assert (written.rows, written.adopted) == (2000, False)
    assert statuses(proxy, "load") == [409, 409]
    assert await second.counts() == {(FIRST, "completions"): 1200, (SECOND, "completions"): 800}


async def test_an_attempt_that_died_while_loading_is_completed(
    proxy: BigQueryProxy, dataset: str, tmp_path: Path, second: Desk
) -> None:
    await die(proxy, dataset, tmp_path / "spool", "load.submitted")
    await second.restate(ROWS, fence=2)
    assert await second.counts() == {(FIRST, "completions"): 1200, (SECOND, "completions"): 800}


@pytest.mark.promise("P10")
async def test_an_attempt_that_reads_something_else_never_mixes_with_the_first(
    proxy: BigQueryProxy, dataset: str, tmp_path: Path, second: Desk
) -> None:
    await die(proxy, dataset, tmp_path / "spool", "promote.before")
    await second.restate([*facts(FIRST, 1200), *facts(SECOND, 900, start=5)], fence=2)
    assert await second.counts() == {(FIRST, "completions"): 1200, (SECOND, "completions"): 900}


async def test_a_stage_that_expired_meanwhile_is_loaded_again(
    proxy: BigQueryProxy, dataset: str, tmp_path: Path, second: Desk, bq: Any
) -> None:
    await die(proxy, dataset, tmp_path / "spool", "promote.before")
    for table in await asyncio.to_thread(lambda: list(bq.list_tables(dataset))):
        if table.table_id.startswith("__stg_"):
            await asyncio.to_thread(bq.delete_table, f"{PROJECT}.{dataset}.{table.table_id}")
    await second.restate(ROWS, fence=2)
    assert await second.counts() == {(FIRST, "completions"): 1200, (SECOND, "completions"): 800}


async def test_an_attempt_that_died_after_publishing_is_only_finished(
    proxy: BigQueryProxy, dataset: str, tmp_path: Path, second: Desk
) -> None:
    await die(proxy, dataset, tmp_path / "spool", "promote.after")
    before = await second.rows("SELECT DISTINCT ingested_at FROM {dataset}.facts")
    written = await second.restate(ROWS, fence=2)
    assert (written.rows, written.adopted) == (2000, True)
    assert await second.rows("SELECT DISTINCT ingested_at FROM {dataset}.facts") == before


async def test_what_a_crash_left_in_the_spool_is_cleared_on_the_next_start(
    emulator: Any, dataset: str, tmp_path: Path
) -> None:
    left = tmp_path / "spool" / "a_run" / "0.parquet"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half a file")
    async with open_desk(emulator.rest, dataset, tmp_path / "spool"):
        assert not left.exists()


async def test_a_cancelled_load_leaves_no_file(desk: Desk) -> None:
    writing = asyncio.create_task(desk.restate(ROWS * 5))
    for _ in range(3):
        await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert list(desk.spool_dir.iterdir()) == []


@pytest.mark.parametrize("published", [True, False])
async def test_nothing_of_a_run_stays_in_the_spool(desk: Desk, *, published: bool) -> None:
    warehouse = desk.warehouse()
    await warehouse.ensure(FACTS)
    async with warehouse.restate(FACTS, WINDOW) as first, warehouse.append(FACTS) as second:
        for load in (first, second):
            await load.write(ROWS)
        assert len(list(desk.spool_dir.iterdir())) == 2
        for load in (first, second) if published else ():
            await load.publish()
    assert list(desk.spool_dir.iterdir()) == []


@pytest.mark.fault("F50")
async def test_the_second_id_of_a_job_is_found_again_by_the_attempt_after_a_crash(
    proxy: BigQueryProxy, dataset: str, tmp_path: Path, second: Desk
) -> None:
    first, error = r"dp_load_[^?]*(?<!_a2)", {"reason": "backendError", "message": "said by the server"}
    failed = {
        "jobReference": {"projectId": PROJECT, "jobId": "x", "location": "US"},
        "status": {"state": "DONE", "errorResult": error, "errors": [error]},
        "configuration": {"jobType": "LOAD", "load": {"destinationTable": {}}},
    }
    proxy.fail(Fault(job="load", job_id=f"{first}$", status=200, body=failed, times=2))
    await die(proxy, dataset, tmp_path / "spool", "promote.before")
    # What failed keeps its id: whoever comes after is told so, and looks at the next.
    proxy.fail(Fault(job="load", job_id=f"{first}$", status=409, body=google_error(409, "duplicate", ""), times=2))
    proxy.fail(Fault(method="GET", path=rf"/jobs/{first}\?", status=200, body=failed, times=2))
    await second.restate(ROWS, fence=2)
    assert sorted(seen.job_id[-3:] == "_a2" for seen in proxy.seen if seen.job == "load") == [False] * 2 + [True] * 2
    assert statuses(proxy, "load") == [409] * 4
    assert await second.counts() == {(FIRST, "completions"): 1200, (SECOND, "completions"): 800}
