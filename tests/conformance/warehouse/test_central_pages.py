"""A large answer of the platform's dataset: read in pages by a thread of its own, whole or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.fakes.bigquery_proxy import BigQueryProxy, Fault
from tests.fakes.until import until
from tests.plugins.warehouse_desk import Desk, open_desk
from workers.model.failure import FailedError, Reason
from workers.ports import Row

pytestmark = pytest.mark.engine

TEN = "SELECT n, CONCAT('row ', CAST(n AS STRING)) AS said FROM UNNEST(GENERATE_ARRAY(1, 10)) AS n ORDER BY n"


def numbers(rows: Iterable[Row]) -> list[int]:
    return [row["n"] for row in rows]


def asked(proxy: BigQueryProxy) -> int:
    return sum("/queries/" in seen.path for seen in proxy.seen)


@pytest.mark.parametrize(("page_rows", "pages"), [(1, 10), (3, 4), (10, 1), (11, 1)])
async def test_pages_of_any_size_are_the_answer(
    proxy: BigQueryProxy, dataset: str, tmp_path: Path, page_rows: int, pages: int
) -> None:
    async with open_desk(proxy.url, dataset, tmp_path / "spool", page_rows=page_rows) as desk:
        central = desk.warehouses.central()
        whole = (await central.query(TEN, {})).rows
        proxy.seen.clear()
        assert await central.read(TEN, {}, tuple) == whole
        assert asked(proxy) >= pages


async def test_an_answer_without_rows_is_one(desk: Desk) -> None:
    assert await desk.warehouses.central().read(f"SELECT * FROM ({TEN}) WHERE n > 10", {}, numbers) == []


async def test_when_a_page_is_lost_all_are_read_again(proxy: BigQueryProxy, dataset: str, tmp_path: Path) -> None:
    begun: list[int] = []

    def made(rows: Iterable[Row]) -> list[int]:
        begun.append(1)
        return numbers(rows)

    proxy.fail(Fault(method="GET", path="/queries/", nth=4, drop=True))
    async with open_desk(proxy.url, dataset, tmp_path / "spool", page_rows=3) as desk:
        assert await desk.warehouses.central().read(TEN, {}, made) == list(range(1, 11))
    assert len(begun) == 2


async def test_an_answer_that_cannot_be_read_whole_is_none(proxy: BigQueryProxy, dataset: str, tmp_path: Path) -> None:
    proxy.fail(Fault(method="GET", path="/queries/", nth=4, times=None, status=503))
    async with open_desk(proxy.url, dataset, tmp_path / "spool", page_rows=3) as desk:
        with pytest.raises(FailedError) as raised:
            await desk.warehouses.central().read(TEN, {}, numbers)
    assert raised.value.failure.reason is Reason.WAREHOUSE_UNAVAILABLE


async def test_no_page_is_read_for_one_who_does_not_wait_any_more(
    proxy: BigQueryProxy, dataset: str, tmp_path: Path
) -> None:
    async with open_desk(proxy.url, dataset, tmp_path / "spool", page_rows=1) as desk:
        central = desk.warehouses.central()
        await central.read(TEN, {}, numbers)
        whole = asked(proxy)
        held = Fault(method="GET", path="/queries/", nth=4, until=asyncio.Event())
        proxy.fail(held)
        task = asyncio.create_task(central.read(TEN, {}, numbers))
        await until(lambda: _matched(held, 4))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert held.until is not None
        held.until.set()
        await central.read(TEN, {}, numbers)  # by the same thread, and so after what that one still does
        assert asked(proxy) == whole + 4 + whole


async def _matched(fault: Fault, times: int) -> bool:
    return fault.matched == times


@pytest.mark.fault("F65")
async def test_a_large_answer_is_read_while_every_other_thread_hangs(
    proxy: BigQueryProxy, dataset: str, tmp_path: Path
) -> None:
    hangs = Fault(job="query", until=asyncio.Event())
    proxy.fail(hangs)
    async with open_desk(proxy.url, dataset, tmp_path / "spool", threads=1) as desk:
        central = desk.warehouses.central()
        hanging = asyncio.create_task(central.query(TEN, {}))
        await until(lambda: _matched(hangs, 1))
        assert await central.read(TEN, {}, numbers) == list(range(1, 11))
        assert not hanging.done()
        assert hangs.until is not None
        hangs.until.set()
        await hanging
