"""The cost SQL against an independent oracle, on the real emulator."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.conformance.anthropic.cost_oracle import KEY, METERS, Row, costs
from tests.fakes.step_contexts import Heard, Make
from workers.model.anthropic_usage import COUNTS, DIMENSIONS
from workers.model.price_book import prices
from workers.ports import StepContext, StepResult
from workers.processors.anthropic.cost import AnthropicCost, CostConfig

pytestmark = pytest.mark.engine

LIST = "openai/cost/prices/list_prices.csv"
AT = datetime(2026, 11, 20, tzinfo=UTC)
FIRST, LAST = date(2026, 3, 10), date(2026, 3, 16)  # on the 13th, two models lost their price for large requests
COLUMNS = (*(column for _, column in METERS.values()), *(count for count, _ in METERS.values()),
           "total_cost_usd", "price_status")  # fmt: skip
HEAD = "provider,model_id,meter,variant,price_usd,per,effective_date,end_date"
OWN = """
anthropic,claude-opus-5,output,standard,12.25,1000000,2026-03-11,2026-03-12
anthropic,claude-nova-preview,input,standard,7,1000,2026-03-11,
"""
TIERS = ("standard", "batch", "priority", "flex", None)


def book() -> list[Row]:
    """The list, and the organisation's own prices."""
    listed = prices(LIST, (Path("configs") / LIST).read_text(), "anthropic", custom=False)
    return [*listed, *prices("own.csv", HEAD + OWN, "anthropic", custom=True)]


def usage_row(day: date, /, **said: Any) -> Row:
    none = dict.fromkeys((*DIMENSIONS, *COUNTS))
    fixed = {"org_slug": "acme", "provider": "ANTHROPIC", "usage_date": day, "fetched_at": AT, "raw": {}}
    return {**none, **fixed, "grouped_by": "model", "source": "report", **said}


async def load(ctx: StepContext, table: str, window: Any, rows: Sequence[Row]) -> None:
    schema = ctx.schemas.table(table)
    await ctx.warehouse.ensure(schema)
    async with ctx.warehouse.restate(schema, window) as loading:
        await loading.write(rows)
        await loading.publish()


async def run(context: Make, usage: Sequence[Row], priced: Sequence[Row]) -> tuple[StepResult, list[Row]]:
    ctx = context(FIRST, LAST)
    await load(ctx, "anthropic_usage_daily_raw", ctx.window, usage)
    await load(ctx, "llm_price_book", None, [{**price, "known_from": AT} for price in priced])
    ctx = context(FIRST, LAST)
    done = await AnthropicCost().execute(CostConfig(), ctx)
    return done, list((await ctx.warehouse.query("SELECT * FROM {dataset}.anthropic_cost_daily", {})).rows)


def drawn(chance: Random, models: Sequence[str]) -> Row:
    """Draw a row of usage: any model of the list or none, any way of calling it, counts of any size."""
    counts = {name: chance.choice([0, None, chance.randrange(10**8)]) for name in COUNTS}
    counts["web_search_requests"] = chance.choice([None, 0, chance.randrange(50)])
    counts |= {"output_tokens": -1} if chance.random() < 0.03 else {}
    return usage_row(
        FIRST + timedelta(days=chance.randrange(7)),
        model=chance.choice([*models, "claude-sonnet-4-5-20250929", "claude-nova-preview", "claude-9", None]),
        workspace_id=chance.choice(["w1", None]),
        api_key_id=chance.choice(["k1", "k2", None]),
        service_tier=chance.choice(TIERS),
        context_window=chance.choice(["0-200k", "200k-1M", None]),
        inference_geo=chance.choice(["us", "global", "not_available", None]),
        speed=chance.choice(["fast", "standard", None, None]),
        **counts,
    )


CASES = {
    # The worked example of the price source, on a day before the one from which it knows the batch price.
    "batch": {"model": "claude-haiku-4-5", "service_tier": "batch", "uncached_input_tokens": 1500,
              "cache_write_5m_tokens": 500, "cache_write_1h_tokens": 1000, "cache_read_tokens": 200,
              "output_tokens": 500, "web_search_requests": 10},
    "many": {"model": "claude-sonnet-4-5", "context_window": "0-200k", "uncached_input_tokens": 5_000_000,
             "output_tokens": 100_000},
    "large": {"model": "claude-sonnet-4-5", "context_window": "200k-1M", "uncached_input_tokens": 5_000_000,
              "output_tokens": 100_000},
    "large-flat": {"model": "claude-opus-5", "context_window": "200k-1M", "output_tokens": 1_000_000},
    "us": {"model": "claude-opus-5", "inference_geo": "us", "output_tokens": 1_000_000, "web_search_requests": 100},
    "fast": {"model": "claude-opus-5", "speed": "fast", "output_tokens": 1_000_000},
    "priority": {"model": "claude-opus-5", "service_tier": "priority", "output_tokens": 1},
    "unknown": {"model": "claude-9", "output_tokens": 5},
    "no-cache-price": {"model": "claude-2", "cache_read_tokens": 1},
}  # fmt: skip
WORTH = {
    "batch": "0.1033225",
    "many": "16.5",
    "large": "32.25",
    "large-flat": "25",
    "us": "28.5",
    "fast": "50",
    "priority": None,
    "unknown": None,
    "no-cache-price": None,
}


async def test_every_row_costs_what_the_oracle_says_to_the_last_digit(context: Make, heard: Heard) -> None:
    chance, priced = Random(3), book()
    models = sorted({price["model_id"] for price in priced})
    cases = [usage_row(LAST, workspace_id=name, **case) for name, case in CASES.items()]
    usage = [*cases, *(drawn(chance, models) for _ in range(500))]
    done, rows = await run(context, usage, priced)
    found = {tuple(row[name] for name in KEY): {name: row[name] for name in COLUMNS} for row in rows}
    assert len(found) == len(rows) == done.rows
    expected = costs(usage, priced)
    assert found == expected
    worth = {row["workspace_id"]: row["total_cost_usd"] for row in rows if row["workspace_id"] in CASES}
    assert worth == {name: cost and Decimal(cost) for name, cost in WORTH.items()}
    statuses = [one["price_status"] for one in expected.values()]
    assert done.output["priced_rows"] == statuses.count("PRICED") > 50
    assert done.output["unpriced_rows"] == statuses.count("UNPRICED") > 50
    assert Decimal(done.output["total_cost_usd"]) == sum(one["total_cost_usd"] or 0 for one in expected.values())
    assert "claude-9" in heard.messages[0]
