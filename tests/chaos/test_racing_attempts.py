"""Two attempts of one step that read different things and overtake each other anywhere: one of them is left, no mix."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from sandbox.bigquery.launch import Emulator
from tests.fakes.bigquery_proxy import BigQueryProxy, Fault
from tests.plugins.warehouse_desk import FACTS, FIRST, SECOND, Desk, facts, open_desk
from workers.model.failure import FailedError, Reason
from workers.ports import Row, Written

pytestmark = [pytest.mark.engine, pytest.mark.short, pytest.mark.promise("P3", "P10"), pytest.mark.fault("F53")]

OLD = [*facts(FIRST, 30), *facts(SECOND, 20)]
NEW = [*facts(FIRST, 40, start=5), *facts(SECOND, 10, "images")]
OLD_VERSION = {(FIRST, "completions"): 30, (SECOND, "completions"): 20}
NEW_VERSION = {(FIRST, "completions"): 40, (SECOND, "images"): 10}
# Where the attempt that is overtaken stands still.
PLACES = {
    "before its stage is made": Fault(method="POST", path=r"/datasets/[^/]+/tables\b"),
    "before its load": Fault(job="load"),
    "before its publication": Fault(job="query", job_id="dp_promote"),
    "before it hears of its publication": Fault(method="GET", path=r"/queries/dp_promote"),
}


@frozen
class Race:
    """Two processes with the same dataset; the first one's way to it can be held."""

    first: Desk
    second: Desk
    proxy: BigQueryProxy


@pytest.fixture
async def race(emulator: Emulator, dataset: str, tmp_path: Path) -> AsyncIterator[Race]:
    async with (
        BigQueryProxy(emulator.rest) as proxy,
        open_desk(proxy.url, dataset, tmp_path / "first") as first,
        open_desk(emulator.rest, dataset, tmp_path / "second") as second,
    ):
        await second.warehouse().ensure(FACTS)
        yield Race(first, second, proxy)


async def attempt(desk: Desk, rows: Sequence[Row], fence: int) -> Written | Reason:
    try:
        return await desk.restate(rows, fence=fence)
    except FailedError as error:
        return error.failure.reason


async def held(race: Race, place: str, rows: Sequence[Row], fence: int, *, overtaken_by: Any) -> Written | Reason:
    """Let the first process get to the place, the other one do all of its work, and then the first one go on."""
    fault = PLACES[place]
    go_on = asyncio.Event()
    race.proxy.fail(Fault(fault.method, fault.path, fault.job, fault.job_id, until=go_on))
    slow = asyncio.create_task(attempt(race.first, rows, fence))
    await race.proxy.until_held()
    await overtaken_by
    go_on.set()
    return await slow


@pytest.mark.parametrize("place", PLACES)
async def test_an_older_attempt_that_wakes_up_leaves_what_the_newer_one_wrote(race: Race, place: str) -> None:
    newer = attempt(race.second, NEW, 2)
    became = await held(race, place, OLD, 1, overtaken_by=newer)
    published = place == "before it hears of its publication"
    assert (became is Reason.STALE_RUN) is not published
    # What was published comes first: the newer attempt has found it, and taken it for its own.
    assert await race.second.counts() == (OLD_VERSION if published else NEW_VERSION)


@pytest.mark.parametrize("place", PLACES)
async def test_a_newer_attempt_that_is_overtaken_finds_what_the_older_one_wrote(race: Race, place: str) -> None:
    older = attempt(race.second, OLD, 1)
    became = await held(race, place, NEW, 2, overtaken_by=older)
    assert isinstance(became, Written)
    published = place == "before it hears of its publication"
    assert became.adopted is not published
    assert await race.second.counts() == (NEW_VERSION if published else OLD_VERSION)


async def test_attempts_that_run_side_by_side_leave_one_of_them(race: Race) -> None:
    for number in range(3):
        fences = (1 + 2 * number, 2 + 2 * number)
        await asyncio.gather(attempt(race.first, OLD, fences[0]), attempt(race.second, NEW, fences[1]))
        assert await race.second.counts() in (OLD_VERSION, NEW_VERSION)
    ledger = (
        "SELECT day, COUNT(*) AS n FROM {dataset}.__load_ledger WHERE table_name = 'facts' GROUP BY day ORDER BY day"
    )
    assert await race.second.rows(ledger) == [(FIRST, 1), (SECOND, 1)]
