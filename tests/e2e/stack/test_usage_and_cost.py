"""The main job through the edge: what the provider has stands in the warehouse, priced to the last digit."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from attrs import frozen

from tests.e2e.stack.price_oracle import PARTS, costs
from tests.e2e.stack.provider_reader import COUNTS, NAMES, ProviderReader
from tests.fakes.org_client import USAGE_COST, Json, step_of
from tests.plugins.sandbox import Running

DAYS = 9


@frozen
class Told:
    """The run, the days it was for, and what the provider said about them."""

    run: Json
    first: date
    last: date
    usage: dict[tuple[Any, ...], dict[str, Decimal]]
    costs: dict[tuple[Any, ...], Decimal]


@pytest_asyncio.fixture(scope="module")
async def told(sandbox_stack: Running) -> Told:
    stack, books = sandbox_stack, sandbox_stack.org("books")
    last = datetime.now(UTC).date() - timedelta(days=1)
    first = last - timedelta(days=DAYS - 1)
    run = await books.done(USAGE_COST, start_date=first.isoformat(), end_date=last.isoformat(), trigger_by="test")
    reader = ProviderReader(stack.rest.session, stack.simulator.base_url, stack.stack.secrets.openai_key)
    return Told(run, first, last, await reader.usage(first, last), await reader.costs(first, last))


async def test_the_run_completes_with_every_step(told: Told) -> None:
    assert told.run.get("error") is None
    assert (told.run["status"], told.run["attempt"]) == ("COMPLETED", 1)
    assert {step["status"] for step in told.run["steps"]} == {"COMPLETED"}
    assert told.run["run_date"] == told.last.isoformat()
    assert told.run["trigger_by"] == "test"
    assert told.run["duration_ms"] > 0


async def test_every_usage_row_of_the_provider_stands_in_the_table_once(sandbox: Running, told: Told) -> None:
    rows = await sandbox.query("SELECT * FROM books_local.openai_usage_daily_raw")
    stored = {tuple(row[name] for name in NAMES): {n: Decimal(row[n] or 0) for n in COUNTS} for row in rows}
    assert len(rows) == len(stored)
    assert stored == told.usage
    assert {row["org_slug"] for row in rows} == {"books"}
    assert {row["run_id"] for row in rows} == {told.run["run_id"]}


async def test_reported_costs_stand_in_their_table(sandbox: Running, told: Told) -> None:
    rows = await sandbox.query("SELECT * FROM books_local.openai_provider_cost_daily")
    stored = {(row["usage_date"], row["line_item"], row["project_id"]): row["amount"] for row in rows}
    assert len(rows) == len(stored)
    assert stored == told.costs
    assert Decimal(step_of(told.run, "extract_reported_cost")["output"]["reported_total"]) == sum(told.costs.values())


async def test_every_cost_row_is_what_exact_arithmetic_gives(sandbox: Running, told: Told) -> None:
    rows = await sandbox.query("SELECT * FROM books_local.openai_cost_daily")
    names = ("usage_date", "model", "project_id", "batch", "service_tier")
    stored = {tuple(row[n] for n in names): {n: row[n] for n in (*PARTS, "total_cost_usd")} for row in rows}
    expected = costs([dict(zip(NAMES, key, strict=True)) | counts for key, counts in told.usage.items()])
    assert len(rows) == len(stored)
    assert stored == expected
    assert sum(row["total_cost_usd"] or 0 for row in rows) > 0


async def test_an_unknown_model_is_counted_and_never_free(sandbox: Running, told: Told) -> None:
    rows = await sandbox.query("SELECT * FROM books_local.openai_cost_daily WHERE model = 'gpt-nova-preview'")
    assert {(row["price_status"], row["total_cost_usd"]) for row in rows} == {("UNPRICED", None)}
    output = step_of(told.run, "transform_cost")["output"]
    assert "gpt-nova-preview" in output["unpriced_models"]
    assert output["unpriced_rows"] >= len(rows) > 0


async def test_priced_rows_name_the_version_of_their_prices(sandbox: Running, told: Told) -> None:
    rows = await sandbox.query("SELECT * FROM books_local.openai_cost_daily WHERE price_status = 'PRICED'")
    priced = {row["price_version"] for row in rows if row["total_cost_usd"]}
    assert told.run["run_id"] in {row["run_id"] for row in rows}
    assert len(priced) == 1
    assert None not in priced


async def test_unknown_fields_are_kept(sandbox: Running, told: Told) -> None:
    kept = "JSON_VALUE(raw, '$.input_text_tokens') > '0'"
    found = await sandbox.query(f"SELECT COUNT(*) AS n FROM books_local.openai_usage_daily_raw WHERE {kept}")
    assert told.usage
    assert found[0]["n"] > 0


@pytest.mark.promise("P10")
async def test_the_same_days_again_leave_the_same_tables(sandbox: Running, told: Told) -> None:
    sql = "SELECT SUM(total_cost_usd) AS cost, COUNT(*) AS n FROM books_local.openai_cost_daily"
    before = await sandbox.query(sql)
    again = await sandbox.org("books").done(
        USAGE_COST, **{name: told.run["parameters"][name] for name in ("start_date", "end_date")}
    )
    assert again["status"] == "COMPLETED", again
    assert step_of(again, "load_prices")["output"]["changed"] is False
    assert step_of(again, "extract_usage")["output"]["days"] == 3  # older days are final and are not read again
    assert await sandbox.query(sql) == before


async def test_usage_that_is_loaded_is_priced_again_without_reading_the_provider(sandbox: Running, told: Told) -> None:
    sql = "SELECT * EXCEPT (run_id, ingested_at, calculated_at, source_hash) FROM books_local.openai_cost_daily"
    before = await sandbox.query(sql)
    days = {name: told.run["parameters"][name] for name in ("start_date", "end_date")}
    priced = await sandbox.org("books").done("openai/cost/cost_calculation", **days)
    assert priced["status"] == "COMPLETED", priced
    assert step_of(priced, "transform_cost")["rows"] == len(before) > 0
    assert sorted(await sandbox.query(sql), key=repr) == sorted(before, key=repr)
    assert {row["run_id"] for row in await sandbox.query("SELECT run_id FROM books_local.openai_cost_daily")} == {
        priced["run_id"]
    }
