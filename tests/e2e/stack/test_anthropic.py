"""Anthropic through the edge, by a path without a domain: what the provider has stands in the warehouse, priced."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest_asyncio
from attrs import frozen

from tests.fakes.org_client import Json, step_of
from tests.fakes.until import until
from tests.plugins.sandbox import Running

EMPTY, DASH = "anthropic//usage_cost", "anthropic/-/usage_cost"
DAYS = 6
GROUPS = ("model", "workspace_id", "api_key_id", "service_tier", "context_window", "inference_geo")


@frozen
class Told:
    """The run, the days it was for, and what the provider said about them."""

    run: Json
    usage: dict[tuple[Any, ...], Json]
    costs: list[Json]
    records: list[Json]


async def asked(sandbox: Running, path: str, first: date, last: date, *groups: str) -> list[tuple[date, Json]]:
    """Ask the provider itself, in one page, for the results of every day."""
    after = last + timedelta(days=1)
    between = [("starting_at", f"{first}T00:00:00Z"), ("ending_at", f"{after}T00:00:00Z"), ("limit", "31")]
    page = await fetched(sandbox, path, between + [("group_by[]", name) for name in groups])
    return [
        (date.fromisoformat(bucket["starting_at"][:10]), result)
        for bucket in page["data"]
        for result in bucket["results"]
    ]


async def fetched(sandbox: Running, path: str, params: list[tuple[str, str]]) -> Json:
    headers = {"x-api-key": sandbox.stack.secrets.provider_keys["ANTHROPIC"], "anthropic-version": "2023-06-01"}
    url = f"{sandbox.anthropic.base_url}/organizations/{path}"
    async with sandbox.rest.session.get(url, params=params, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        page: Json = await answer.json(loads=partial(json.loads, parse_float=Decimal))
        return page


@pytest_asyncio.fixture(scope="module")
async def told(sandbox_stack: Running) -> Told:
    sandbox, last = sandbox_stack, datetime.now(UTC).date() - timedelta(days=1)
    first = last - timedelta(days=DAYS - 1)
    run = await sandbox.org("scribe").done(EMPTY, start_date=first.isoformat(), end_date=last.isoformat())
    usage = await asked(sandbox, "usage_report/messages", first, last, *GROUPS)
    costs = await asked(sandbox, "cost_report", first, last, "workspace_id", "description")
    days = [first + timedelta(days=ahead) for ahead in range(DAYS)]
    code = [await fetched(sandbox, "usage_report/claude_code", [("starting_at", str(day))]) for day in days]
    by_key = {(day, *(result[name] for name in GROUPS)): result for day, result in usage}
    return Told(run, by_key, [result for _, result in costs], [one for page in code for one in page["data"]])


async def test_a_path_without_a_domain_runs_every_step(told: Told) -> None:
    assert (told.run["status"], told.run.get("error")) == ("COMPLETED", None)
    assert {step["step_id"]: step["status"] for step in told.run["steps"]} == dict.fromkeys(
        ("load_prices", "extract_usage", "extract_reported_cost", "extract_claude_code", "transform_cost"), "COMPLETED"
    )
    assert told.run["pipeline_id"] == "scribe-anthropic-usage_cost"


async def test_every_count_of_the_provider_stands_in_the_table_once(sandbox: Running, told: Told) -> None:
    rows = await sandbox.query("SELECT * FROM scribe_local.anthropic_usage_daily_raw")
    stored = {(row["usage_date"], *(row[name] for name in GROUPS)): row for row in rows}
    assert len(rows) == len(stored) > 50
    assert stored.keys() == told.usage.keys()
    for key, row in stored.items():
        said = told.usage[key]
        assert row["uncached_input_tokens"] == said["uncached_input_tokens"]
        assert row["cache_write_5m_tokens"] == said["cache_creation"]["ephemeral_5m_input_tokens"]
        assert row["cache_write_1h_tokens"] == said["cache_creation"]["ephemeral_1h_input_tokens"]
        assert row["cache_read_tokens"] == said["cache_read_input_tokens"]
        assert row["web_search_requests"] == said["server_tool_use"]["web_search_requests"]
        assert (row["output_tokens"], row["requests"]) == (said["output_tokens"], None)


async def test_reported_cents_stand_in_their_table_as_dollars(sandbox: Running, told: Told) -> None:
    rows = await sandbox.query(
        "SELECT SUM(amount) AS amount, COUNT(*) AS n FROM scribe_local.anthropic_provider_cost_daily"
    )
    assert rows == [{"amount": sum(Decimal(cost["amount"]) for cost in told.costs) / 100, "n": len(told.costs)}]
    output = step_of(told.run, "extract_reported_cost")["output"]
    assert Decimal(output["reported_total"]) == rows[0]["amount"]


async def test_calculated_cost_is_what_the_provider_bills_for_each_model(sandbox: Running, told: Told) -> None:
    billed: defaultdict[str, Decimal] = defaultdict(Decimal)
    for cost in told.costs:
        if cost["cost_type"] in {"tokens", "web_search"} and cost["model"] != "claude-nova-preview":
            billed[cost["model"]] += Decimal(cost["amount"]) / 100
    sql = (
        "SELECT model, SUM(total_cost_usd) AS cost FROM scribe_local.anthropic_cost_daily WHERE price_status = 'PRICED'"
    )
    found = {row["model"]: row["cost"] for row in await sandbox.query(f"{sql} GROUP BY model")}
    assert found == billed
    assert len(found) == 4


async def test_an_unknown_model_and_priority_tier_are_counted_and_never_free(sandbox: Running, told: Told) -> None:
    rows = await sandbox.query("SELECT * FROM scribe_local.anthropic_cost_daily WHERE price_status = 'UNPRICED'")
    assert {row["total_cost_usd"] for row in rows} == {None}
    assert {row["model"] for row in rows if row["service_tier"] == "standard"} == {"claude-nova-preview"}
    assert step_of(told.run, "transform_cost")["output"]["unpriced_rows"] == len(rows) > 0


async def test_claude_code_is_estimated_in_dollars(sandbox: Running, told: Told) -> None:
    sums = "SUM(sessions) AS sessions, SUM(estimated_cost) AS cost"
    used = [model for record in told.records for model in record["model_breakdown"]]
    (row,) = await sandbox.query(f"SELECT {sums} FROM scribe_local.anthropic_claude_code_usage_daily")
    assert row["sessions"] == sum(record["core_metrics"]["num_sessions"] for record in told.records)
    assert row["cost"] == sum(Decimal(model["estimated_cost"]["amount"]) for model in used) / 100


async def test_a_second_run_within_the_minute_waits_without_a_slot(sandbox: Running, told: Told) -> None:
    scribe = sandbox.org("scribe")
    run_id = await scribe.accepted(DASH, date=told.run["run_date"], trigger_by="again")

    async def waits() -> bool:
        reasons = (await scribe.explain(run_id))["reasons"]
        return bool(reasons[0]["reason"] == "RATE_BUDGET")

    await until(waits)
    leased = "SELECT count(*) FROM queue WHERE org = 'scribe' AND state = 'leased'"
    assert await sandbox.journal.fetchval(leased) == 0
    assert (await scribe.run(run_id))["status"] == "PENDING"
    assert (await scribe.cancel(run_id))["status"] == "CANCELLED"
