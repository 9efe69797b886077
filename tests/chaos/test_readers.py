"""Readers that never stop asking while tables are written in every way there is: each answer is one whole version.

The scripts are the service's own, sent through a proxy that puts pauses before each of their writes, to an emulator
that lets readers in between two statements. Where a table is replaced, the same proxy can take the transaction out:
then a reader does see a mix, or these tests could not fail.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from sandbox.bigquery.connect import connect
from sandbox.bigquery.launch import Emulator
from tests.conformance.openai.test_cost import LIST, MINI, load, usage_row
from tests.conformance.saas.conftest import DAILY, FOCUS, Books, plan, sync
from tests.fakes.bigquery_proxy import BigQueryProxy
from tests.fakes.step_contexts import Heard, Make, contexts
from tests.plugins.warehouse_desk import FACTS, FIRST, SECOND, Desk, facts, open_desk
from workers.catalog import Catalog
from workers.model.price_book import prices
from workers.model.window import DateWindow
from workers.processors.openai.cost import CostConfig, OpenAiCost

pytestmark = pytest.mark.engine

READERS, TURNS, PAUSES = 2, 2, 2
MARCH = DateWindow(date(2024, 3, 1), date(2024, 3, 5))
DAYS = DateWindow(date(2026, 8, 18), date(2026, 8, 19))
_WRITE = re.compile(r"^(\s*)(INSERT INTO|DELETE FROM|MERGE INTO|UPDATE (?!SET))", re.MULTILINE)
_TRANSACTION = re.compile(r"\b(BEGIN|COMMIT) TRANSACTION;")
_COUNTED = "SELECT usage_date, COUNT(*) AS n, SUM(input_tokens) AS t FROM {dataset}.openai_usage_daily_raw GROUP BY 1"
_COSTED = "SELECT usage_date, COUNT(*) AS n, SUM(total_cost_usd) AS t FROM {dataset}.openai_cost_daily GROUP BY 1"
_FACTS = "SELECT endpoint, COUNT(*) AS n, SUM(tokens) AS t FROM {dataset}.facts GROUP BY 1"
_PLANS = f"""
SELECT 'daily' AS what, COUNT(*) AS n, SUM(daily_cost) AS t FROM {{dataset}}.{DAILY}
UNION ALL SELECT 'focus' AS what, COUNT(*) AS n, SUM(BilledCost) AS t FROM {{dataset}}.{FOCUS}
"""
Version = tuple[tuple[Any, ...], ...]
_numbers = itertools.count()


def with_pauses(sql: str) -> str:
    """Give readers time before each write."""
    return _WRITE.sub(lambda found: f"{found[1]}{'SELECT 1 AS pause; ' * PAUSES}\n{found[0]}", sql)


def without_transaction(sql: str) -> str:
    return with_pauses(_TRANSACTION.sub("", sql))


@frozen
class Place:
    """A dataset that is written through the proxy and read past it."""

    writer: Desk
    reader: Desk
    books: Books

    @property
    def make(self) -> Make:
        return self.books.make


@frozen
class Writing:
    """A way of writing: `publish` writes the n-th version, `sql` reads all of it."""

    sql: str
    publish: Callable[[Place, int], Awaitable[Any]]
    before: Callable[[Place], Awaitable[Any]] | None = None


async def usage(place: Place, number: int) -> None:
    ctx = place.make(DAYS.first, DAYS.last)
    table = ctx.schemas.table("openai_usage_daily_raw")
    await ctx.warehouse.ensure(table)
    async with ctx.warehouse.restate(table, DAYS) as rows:
        for day in DAYS:
            one = usage_row(day, model=MINI, project_id="p", input_tokens=number + 1)
            await rows.write([one] * (20 - number))
        await rows.publish()


async def priced(place: Place) -> None:
    await load(place.make(DAYS.first), [usage_row(DAYS.first)], prices(LIST, listed(), "openai", custom=False))


async def cost(place: Place, number: int) -> None:
    """Price other usage each time; its own table is written meanwhile, and nobody here looks at it."""
    await usage(place, number)
    await OpenAiCost().execute(CostConfig(), place.make(DAYS.first, DAYS.last))


async def append(place: Place, number: int) -> None:
    warehouse = place.make(FIRST).warehouse
    await warehouse.ensure(FACTS)
    async with warehouse.append(FACTS) as rows:
        await rows.write([*facts(FIRST, 10 + number), *facts(SECOND, 5, "images")])
        await rows.publish()


async def merge(place: Place, number: int) -> None:
    warehouse = place.make(FIRST).warehouse
    await warehouse.ensure(FACTS)
    async with warehouse.merge(FACTS, ("day", "endpoint"), "readers") as rows:
        await rows.write(
            [facts(day, 1, name, number)[0] for day in (FIRST, SECOND) for name in ("a", "b", f"c{number}")]
        )
        await rows.publish()


async def plans(place: Place) -> None:
    await sync(place.reader, place.books.catalog)
    await place.books.keep([plan("one"), plan("two")])


async def procedure(place: Place, number: int) -> None:
    await place.books.keep([plan("one", seats=number + 1), *(plan(f"more {n}") for n in range(number))])
    await place.books.run(MARCH.first, MARCH.last)


def listed() -> str:
    lines = (Path("configs") / LIST).read_text().splitlines()
    return "\n".join([lines[0], *(line for line in lines if MINI in line)])


WRITINGS = {
    "a load that replaces days": Writing(_COUNTED, usage),
    "a SELECT that replaces days": Writing(_COSTED, cost, priced),
    "a procedure that replaces days of two tables": Writing(_PLANS, procedure, plans),
    "an append": Writing(_FACTS, append),
    "a merge": Writing(_FACTS, merge),
}
SHORT = {"a load that replaces days", "an append", "a merge"}
REPLACING = [name for name in WRITINGS if "replaces" in name]


def in_short(name: str) -> Any:
    return pytest.param(name, marks=[pytest.mark.short] if name in SHORT else [])


@asynccontextmanager
async def opened(emulator: Emulator, folder: Path, edited: Callable[[str], str]) -> AsyncIterator[Place]:
    name = f"read_{next(_numbers)}_local"
    async with BigQueryProxy(emulator.rest) as proxy:
        with connect(emulator.rest) as bq:
            await asyncio.to_thread(bq.create_dataset, name)
            async with (
                open_desk(proxy.url, name, folder / "w") as writer,
                open_desk(emulator.rest, name, folder / "r") as reader,
            ):
                catalog, heard = Catalog.load(Path("configs")), Heard()
                proxy.edited = edited
                yield Place(writer, reader, Books(bq, writer, catalog, heard, contexts(writer, catalog, heard)))


async def version(place: Place, writing: Writing) -> Version:
    return tuple(sorted(await place.reader.rows(writing.sql)))


async def watched(place: Place, writing: Writing, number: int) -> Iterator[Version]:
    """Write a version while readers read; return all they saw that is neither the one before nor the one after."""
    before, written = await version(place, writing), asyncio.Event()

    async def read() -> list[Version]:
        seen = []
        while not written.is_set():
            seen.append(await version(place, writing))
        return seen

    reading = [asyncio.create_task(read()) for _ in range(READERS)]
    try:
        await writing.publish(place, number)
    finally:
        written.set()
        seen = [one for many in await asyncio.gather(*reading) for one in many]
    after = await version(place, writing)
    assert before != after
    assert before in seen
    return (one for one in seen if one not in (before, after))


async def first_version(place: Place, writing: Writing) -> None:
    if writing.before is not None:
        await writing.before(place)
    await writing.publish(place, 0)


@pytest.mark.promise("P10")
@pytest.mark.fault("F54")
@pytest.mark.parametrize("name", [in_short(name) for name in WRITINGS])
async def test_every_answer_is_one_whole_version_however_a_table_is_written(
    admitting: Emulator, tmp_path: Path, name: str
) -> None:
    async with opened(admitting, tmp_path, with_pauses) as place:
        await first_version(place, WRITINGS[name])
        for number in range(1, TURNS + 1):
            assert list(await watched(place, WRITINGS[name], number)) == []


@pytest.mark.fault("F54")
@pytest.mark.parametrize("name", [in_short(name) for name in REPLACING])
async def test_without_the_transaction_somebody_sees_a_mix(admitting: Emulator, tmp_path: Path, name: str) -> None:
    async with opened(admitting, tmp_path, without_transaction) as place:
        await first_version(place, WRITINGS[name])
        for number in range(1, 9):  # a busy machine may take every reader past the gap
            if list(await watched(place, WRITINGS[name], number)):
                return
    raise AssertionError("no reader came between the statements")
