"""Tables that somebody has changed by hand: nothing is dropped in silence, and nobody else is held up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from attrs import evolve
from google.cloud import bigquery
from google.cloud.exceptions import NotFound

from sandbox.bigquery.connect import PROJECT
from tests.chaos.arena import Arena
from tests.chaos.behind import behind_a_proxy
from tests.fakes.bigquery_proxy import BigQueryProxy, Fault
from tests.fakes.org_client import EXTRACT, OrgClient
from tests.fakes.until import until
from workers.adapters.bigquery.layouts import new_table
from workers.catalog import Catalog
from workers.model.table import Column, TableSchema

TABLE, STEPS = "openai_usage_daily_raw", ("extract_usage", "extract_reported_cost")
LONG_AGO = f"SELECT * FROM {{dataset}}.{TABLE} WHERE usage_date = DATE '2020-01-01'"

Change = Callable[[Column], tuple[Column, ...]]


@pytest_asyncio.fixture(scope="module", autouse=True)
async def proxy(whole_arena: Arena) -> AsyncIterator[BigQueryProxy]:
    """All the work is done by a replica that has seen none of the tables yet: each is looked at once a minute."""
    async with behind_a_proxy(whole_arena) as proxy:
        yield proxy


def more(column: Column) -> tuple[Column, ...]:
    """Have another column behind the last one."""
    return (column, Column("by_hand", "STRING")) if column.name == "source_hash" else (column,)


def gone(column: Column) -> tuple[Column, ...]:
    """Lack a column that may be NULL."""
    return () if column.name == "output_tokens" else (column,)


def retyped(column: Column) -> tuple[Column, ...]:
    """Have a column of another type."""
    return (evolve(column, type="STRING"),) if column.name == "output_tokens" else (column,)


def required(column: Column) -> tuple[Column, ...]:
    """Lack a column that no row may be without."""
    return () if column.name == "fetched_at" else (column,)


def relaxed(column: Column) -> tuple[Column, ...]:
    """Let a column be NULL that is declared otherwise."""
    return (evolve(column, mode="NULLABLE"),) if column.name == "endpoint" else (column,)


WITH: dict[Change, str] = {
    more: "a column more",
    gone: "a column less",
    retyped: "a column of another type",
    required: "a required column less",
    relaxed: "a required column that may be NULL",
}


@pytest.mark.fault("F55")
@pytest.mark.promise("P10")
@pytest.mark.parametrize(("number", "change"), [(0, more), (1, gone)], ids=["more", "gone"])
async def test_a_table_with_a_column_more_keeps_it_and_one_with_a_column_less_gets_it_back(
    arena: Arena, number: int, change: Change
) -> None:
    org, day = arena.org(number), arena.next_day()
    before, at = await by_hand(arena, org, change), time.monotonic()
    declared = {column.name for column in declaration().columns}
    assert set(before[0]) ^ declared == ({"by_hand"} if change is more else {"output_tokens"})
    run_id = await arena.accepted(org, EXTRACT, day, date=day)
    toll = await arena.charge(f"a table with {WITH[change]}", 1, at, [run_id])
    assert toll.harmless, toll
    await arena.as_the_source(org, day)
    (kept,) = await standing(arena, org)
    assert kept == {**dict.fromkeys(declared), **before[0]}


@pytest.mark.fault("F55")
@pytest.mark.promise("P10")
@pytest.mark.parametrize(
    ("number", "change", "said"),
    [
        (2, retyped, "column output_tokens is STRING, declared INT64"),
        (3, required, "column fetched_at is missing and REQUIRED"),
        (4, relaxed, "column endpoint is NULLABLE, declared REQUIRED"),
    ],
    ids=["retyped", "required", "relaxed"],
)
async def test_a_run_whose_table_cannot_be_made_as_declared_says_how_it_differs_and_leaves_it_as_it_is(
    arena: Arena, number: int, change: Change, said: str
) -> None:
    org, day, at = arena.org(number), arena.next_day(), time.monotonic()
    kept = await by_hand(arena, org, change)
    run_id = await arena.accepted(org, EXTRACT, day, date=day)
    error, acked = await refused(arena, org, run_id, day, kept)
    assert (error["reason"], error["step"]) == ("SCHEMA_CONFLICT", "extract_usage")
    assert said in error["message"]
    toll = await arena.charge(f"a table with {WITH[change]}", 1, at, acked)
    assert toll.harmless, toll


@pytest.mark.fault("F55")
@pytest.mark.promise("P10")
@pytest.mark.parametrize(("number", "change"), [(5, gone), (6, required)], ids=["gone", "required"])
async def test_a_table_that_changes_while_a_run_loads_is_left_as_it_is_and_the_run_fails(
    arena: Arena, proxy: BigQueryProxy, number: int, change: Change
) -> None:
    org, day, at, go = arena.org(number), arena.next_day(), time.monotonic(), asyncio.Event()
    loads = proxy.fail(Fault(job_id="dp_load_", times=None, until=go))
    try:
        run_id = await arena.accepted(org, EXTRACT, day, date=day)
        await until(lambda: held(loads), 60)
        kept = await by_hand(arena, org, change)
    finally:
        go.set()
        proxy.heal()
    error, acked = await refused(arena, org, run_id, day, kept)
    assert (error["reason"], error["step"]) == ("WAREHOUSE_REJECTED", "extract_usage")
    assert f"publish {org.dataset}.{TABLE}" in error["message"]
    toll = await arena.charge(f"a table with {WITH[change]} under a run", 1, at, acked)
    assert toll.harmless, toll


async def held(loads: Fault) -> bool:
    """Whether both steps have found their tables as declared, and load."""
    return loads.matched == len(STEPS)


async def refused(
    arena: Arena, org: OrgClient, run_id: str, day: str, kept: list[dict[str, Any]]
) -> tuple[dict[str, Any], list[str]]:
    """Wait until a run has failed of its table, and put that right; return the error and the runs that had none."""
    other = await arena.accepted(arena.org(7), EXTRACT, day, date=day)
    assert await arena.ended(run_id) == "FAILED"
    rows = await arena.running.query(f"SELECT usage_date FROM {org.dataset}.{TABLE}")
    assert (await standing(arena, org), len(rows)) == (kept, 1)
    await by_hand(arena, org, lambda column: (column,))
    again = await arena.accepted(org, EXTRACT, f"{day} put right", date=day)
    return dict((await arena.run(org, run_id))["error"]), [other, again]


def declaration() -> TableSchema:
    """The table as it is declared."""
    return Catalog.load(Path("configs")).schemas.table(TABLE)


async def by_hand(arena: Arena, org: OrgClient, change: Change) -> list[dict[str, Any]]:
    """Make the table anew with other columns than it is declared with, and a row of a day long ago; return the row."""
    columns = [changed for column in declaration().columns for changed in change(column)]
    reference = bigquery.DatasetReference(PROJECT, org.dataset).table(TABLE)
    table = new_table(reference, evolve(declaration(), columns=tuple(columns)))

    def make() -> None:
        arena.running.warehouse.delete_table(reference, not_found_ok=True)
        arena.running.warehouse.create_table(table)

    await asyncio.to_thread(make)
    # Whoever drops a table has its days read again: by the ledger they would still be there.
    with suppress(NotFound):
        await arena.running.query(f"DELETE FROM {org.dataset}.__load_ledger WHERE table_name = '{TABLE}'")
    values = {
        "org_slug": f"'{org.slug}'",
        "provider": "'OPENAI'",
        "usage_date": "DATE '2020-01-01'",
        "endpoint": "'completions'",
        "fetched_at": "TIMESTAMP '2020-01-02 00:00:00+00'",
        "by_hand": "'kept'",
        "output_tokens": "'7'" if change is retyped else "7",
    }
    given = {column.name: values[column.name] for column in columns if column.name in values}
    into = f"INSERT INTO {org.dataset}.{TABLE} ({', '.join(given)}) VALUES ({', '.join(given.values())})"
    await arena.running.query(into)
    return await standing(arena, org)


async def standing(arena: Arena, org: OrgClient) -> list[dict[str, Any]]:
    """Return the rows of the day long ago."""
    return await arena.running.query(LONG_AGO.format(dataset=org.dataset))
