"""The prices that the platform keeps, in a real engine: read where they are, and nothing missed where they are not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.step_contexts import Make
from workers.ports import Row, StepContext
from workers.processors.openai.seed_csv import OpenAiSeedCsv, SeedConfig

pytestmark = pytest.mark.engine

DAY = date(2026, 8, 20)
CUSTOM = "SELECT model_id, meter, price_usd, per, end_date FROM {dataset}.llm_price_book WHERE is_custom ORDER BY 1, 2"


async def seed(ctx: StepContext) -> bool:
    config = SeedConfig("openai/cost/prices/list_prices.csv", provider="ANTHROPIC")  # the shorter list
    done = await OpenAiSeedCsv().execute(config, ctx)
    return bool(done.output["changed"])


async def keep(ctx: StepContext, *rows: Row) -> None:
    """Write the platform's table as the platform would."""
    table = ctx.schemas.table("llm_model_pricing")
    await ctx.warehouse.ensure(table)
    async with ctx.warehouse.restate(table, None, allow_shrink=True) as load:
        await load.write(rows)
        await load.publish()


def priced(model: str, price: float | None, **changes: Any) -> Row:
    fixed = {"provider": "Anthropic", "effective_date": DAY, "end_date": None, "is_enabled": True, "is_custom": True}
    return {**fixed, "model_id": model, "input_price_per_1k": price, "output_price_per_1k": None, **changes}


async def custom(ctx: StepContext) -> Sequence[tuple[Any, ...]]:
    return [tuple(row.values()) for row in (await ctx.warehouse.query(CUSTOM, {})).rows]


async def test_the_platforms_prices_are_read_when_they_come_and_when_they_change(context: Make) -> None:
    assert await seed(context(DAY)) is True
    assert await custom(context(DAY)) == []
    both = priced("claude-x", 0.00015, output_price_per_1k=0.1 + 0.2, end_date=date(2026, 9, 1))
    others = (
        priced("off", 0.1, is_enabled=False),
        priced("unset", 0.1, is_enabled=None),
        priced("listed", 0.1, is_custom=False),
        priced("gpt", 0.1, provider="OPENAI"),
    )
    await keep(context(DAY), both, *others)
    assert [await seed(context(DAY)), await seed(context(DAY))] == [True, False]
    assert await custom(context(DAY)) == [
        ("claude-x", "input", Decimal("0.00015"), Decimal(1000), date(2026, 9, 1)),
        ("claude-x", "output", Decimal("30000000.000000004"), Decimal(10**11), date(2026, 9, 1)),
    ]
    await keep(context(DAY), *others)
    assert await seed(context(DAY)) is True
    assert await custom(context(DAY)) == []
