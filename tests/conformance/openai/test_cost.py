"""The cost SQL against an independent oracle, on the real emulator."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from sandbox.bigquery.launch import Emulator
from tests.conformance.openai.cost_oracle import KEY, Row, costs
from tests.fakes.step_contexts import Heard, Make, contexts
from tests.plugins.warehouse_desk import open_desk
from workers.catalog import Catalog
from workers.model.openai_usage import ENDPOINTS, TOKENS
from workers.model.platform_prices import platform_prices
from workers.model.price_book import prices
from workers.ports import StepContext, StepResult
from workers.processors.openai.cost import CostConfig, OpenAiCost

pytestmark = pytest.mark.engine

MINI = "gpt-4o-mini-2024-07-18"
LIST = "openai/cost/prices/list_prices.csv"
AT = datetime(2026, 11, 20, tzinfo=UTC)
FIRST, LAST = date(2026, 8, 18), date(2026, 8, 24)
COLUMNS = (
    "input_cost_usd", "cached_input_cost_usd", "output_cost_usd", "other_cost_usd", "total_cost_usd", "price_status",
    "input_tokens", "output_tokens", "requests",
)  # fmt: skip
READ_BACK = "SELECT * FROM {dataset}.openai_cost_daily"
HEAD = "provider,model_id,meter,variant,price_usd,per,effective_date,end_date"
OWN = """
openai,gpt-4o-mini-2024-07-18,output,standard,0.123456789,1000000,2026-08-20,2026-08-22
openai,gpt-nova-preview,input,standard,7,1000,2026-08-19,
openai,gpt-4o-2024-08-06,web_search,standard,0.000000001,3,2020-01-01,
"""
TERMS = {"per": 1000, "effective_date": date(2026, 8, 21), "end_date": None}
PLATFORM = (
    {"model_id": MINI, "meter": "output", "price": 0.0009, **TERMS},
    {"model_id": "gpt-nova-preview", "meter": "input", "price": 0.1 + 0.2, **TERMS},
    {"model_id": "gpt-nova-preview", "meter": "output", "price": 3.7e-05, **TERMS},
)


def book(*models: str) -> list[Row]:
    """The list, of some models or of all, the platform's prices and the organisation's own."""
    listed = prices(LIST, (Path("configs") / LIST).read_text(), "openai", custom=False)
    own = prices("own.csv", HEAD + OWN, "openai", custom=True)
    platform = platform_prices(PLATFORM, "openai")
    return [*(one for one in listed if not models or one["model_id"] in models), *platform, *own]


def usage_row(day: date, /, endpoint: Any = "completions", **said: Any) -> Row:
    none = dict.fromkeys(("model", "project_id", "user_id", "api_key_id", "batch", "service_tier", *TOKENS))
    fixed = {"org_slug": "acme", "provider": "OPENAI", "usage_date": day, "fetched_at": AT, "endpoint": endpoint}
    return {**none, **fixed, "requests": None, "quantity": None, "quantity_unit": None, "raw": {}, **said}


async def load(ctx: StepContext, usage: Sequence[Row], priced: Sequence[Row]) -> None:
    """Put usage and prices where the step looks for them."""
    table = ctx.schemas.table("openai_usage_daily_raw")
    await ctx.warehouse.ensure(table)
    async with ctx.warehouse.restate(table, ctx.window) as rows:
        await rows.write(usage)
        await rows.publish()
    table = ctx.schemas.table("llm_price_book")
    await ctx.warehouse.ensure(table)
    async with ctx.warehouse.restate(table, None) as rows:
        await rows.write([{**price, "known_from": AT} for price in priced])
        await rows.publish()


async def run(context: Make, usage: Sequence[Row], priced: Sequence[Row]) -> tuple[StepResult, list[Row]]:
    first, last = min(row["usage_date"] for row in usage), max(row["usage_date"] for row in usage)
    await load(context(first, last), usage, priced)
    ctx = context(first, last)
    done = await OpenAiCost().execute(CostConfig(), ctx)
    return done, list((await ctx.warehouse.query(READ_BACK, {})).rows)


def by_key(rows: Sequence[Row]) -> dict[tuple[Any, ...], dict[str, Any]]:
    keyed = {tuple(row[name] for name in KEY): {name: row[name] for name in COLUMNS} for row in rows}
    assert len(keyed) == len(rows)
    return keyed


def drawn(chance: Random, priced: Sequence[Row]) -> Row:
    """Draw a row of usage: any model of the list or none, any way of calling it, counts that fit together or not."""
    day = FIRST + timedelta(days=chance.randrange((LAST - FIRST).days + 1))
    named = [price["model_id"] for price in priced if price["model_id"]]
    model = chance.choice([*named, "gpt-nova-preview", "gpt-6-unheard-of", "ft:gpt-4o-mini-2024-07-18:acme::x", None])
    who = {"model": model, "project_id": chance.choice(["p1", "p2", None]), "api_key_id": chance.choice(["k1", "k2"])}
    endpoint = chance.choice(ENDPOINTS)
    if endpoint.counted:
        requests = chance.randrange(50)
        quantity = Decimal(chance.randrange(10**6))
        return usage_row(day, endpoint.name, **who, requests=requests, quantity=quantity, quantity_unit=endpoint.unit)
    how = {"batch": chance.choice([True, False, False, None]), "service_tier": chance.choice(TIERS)}
    return usage_row(day, endpoint.name, **who, **how, **tokens(chance), requests=chance.randrange(10**4))


TIERS = ("default", "auto", "standard", "flex", "priority", "fast", "scale", "new", None)


def tokens(chance: Random) -> dict[str, Any]:
    text, cached, written = (chance.randrange(10**8) for _ in range(3))
    audio, cached_audio = (chance.choice([0, 0, chance.randrange(10**6)]) for _ in range(2))
    image, cached_image = (chance.choice([0, 0, chance.randrange(10**6)]) for _ in range(2))
    written = chance.choice([0, written])
    uncached, cached_all = text + audio + image, cached + cached_audio + cached_image
    older = chance.random() < 0.2
    return {
        "input_tokens": uncached + cached_all + written,
        "input_cached_tokens": chance.choice([cached_all, cached_all, None]),
        "input_uncached_tokens": None if older else uncached - (chance.random() < 0.05) * 2 * 10**8,
        "input_cache_write_tokens": written or None,
        "input_audio_tokens": (audio + cached_audio if older else audio) or None,
        "input_cached_audio_tokens": cached_audio or None,
        "output_tokens": chance.randrange(10**7),
        "output_audio_tokens": chance.choice([None, 0, chance.randrange(10**5)]),
        "raw": {
            "input_image_tokens": image + cached_image if older else image,
            "input_cached_image_tokens": cached_image,
            "output_image_tokens": chance.choice([0, chance.randrange(10**5)]),
        },
    }


async def test_every_row_costs_what_the_oracle_says_to_the_last_digit(context: Make) -> None:
    chance, priced = Random(1), book()
    usage = [drawn(chance, priced) for _ in range(800)]
    done, rows = await run(context, usage, priced)
    expected, found = costs(usage, priced), by_key(rows)
    assert found == expected
    total = sum((one["total_cost_usd"] or Decimal(0) for one in expected.values()), Decimal(0))
    statuses = [one["price_status"] for one in expected.values()]
    assert Decimal(done.output["total_cost_usd"]) == total
    assert done.output["priced_rows"] == statuses.count("PRICED") > 50
    assert done.output["unpriced_rows"] == statuses.count("UNPRICED") > 50


DAY = date(2026, 8, 20)
FEW = book("gpt-4o-mini", "gpt-5.4", "gpt-image-1.5")


EARLY = date(2026, 6, 1)  # before the day from which the price source itself knows the batch price
FIVE = {"input_tokens": 5000, "input_cached_tokens": 1800, "input_uncached_tokens": 3200, "output_tokens": 1000}
HUNDRED = {"input_tokens": 100_000, "input_cached_tokens": 40_000, "input_uncached_tokens": 60_000}
IMAGES = {
    "input_tokens": 5_000_000, "input_cached_tokens": 2_000_000, "input_uncached_tokens": 3_000_000,
    "output_tokens": 2_000_000,
    "raw": {"input_image_tokens": 2_000_000, "input_cached_image_tokens": 1_000_000, "output_image_tokens": 1_000_000},
}  # fmt: skip
OLD_MILLION = {"model": "gpt-5.4", "output_tokens": 1_000_000}
MILLION = {"model": MINI, "output_tokens": 1_000_000}
CASES = (
    usage_row(EARLY, project_id="plain", model="gpt-4o-mini", **FIVE),
    usage_row(EARLY, project_id="batch", model="gpt-5.4", batch=True, **HUNDRED, output_tokens=20_000),
    *(usage_row(date(2026, 8, day), project_id=f"own-{day}", **MILLION) for day in range(19, 24)),
    usage_row(DAY, project_id="unknown", model="gpt-9", output_tokens=5),
    usage_row(DAY, project_id="one-meter", model=MINI, output_tokens=5, output_audio_tokens=1),
    usage_row(DAY, project_id="negative", api_key_id="a", model=MINI, output_tokens=-5),
    usage_row(DAY, project_id="negative", api_key_id="b", model=MINI, output_tokens=5),
    usage_row(DAY, project_id="nothing", model=MINI, input_tokens=0, output_tokens=0),
    usage_row(DAY, project_id="unknown-nothing", model="gpt-9", input_tokens=0, output_tokens=0),
    usage_row(DAY, project_id="scale-nothing", service_tier="scale", model=MINI, input_tokens=0),
    *(usage_row(DAY, project_id=f"tier-{tier}", service_tier=tier, **OLD_MILLION) for tier in TIERS),
    usage_row(DAY, project_id="batch-scale", service_tier="scale", batch=True, **OLD_MILLION),
    usage_row(DAY, project_id="image", model="gpt-image-1.5", **IMAGES),
    usage_row(DAY, project_id="image-as-text", model="gpt-5.4", **IMAGES),
)


@pytest.fixture(scope="module")
async def priced(
    emulator: Emulator, bq: Any, catalog: Catalog, tmp_path_factory: pytest.TempPathFactory
) -> tuple[StepResult, dict[str, Row], list[str]]:
    """Price CASES once: the step's result, the rows by project, and what it said."""
    await asyncio.to_thread(bq.create_dataset, "acme_cases_local")
    heard = Heard()
    async with open_desk(emulator.rest, "acme_cases_local", tmp_path_factory.mktemp("cases") / "spool") as desk:
        context = contexts(desk, catalog, heard)
        await run(context, CASES, FEW)
        heard.messages.clear()
        done, rows = await run(context, CASES, FEW)
    return done, {row["project_id"]: row for row in rows}, heard.messages


Priced = tuple[StepResult, dict[str, Row], list[str]]


def test_pricing_again_leaves_one_row_for_each_key(priced: Priced) -> None:
    done, rows, _ = priced
    assert done.rows == len(rows) == len({row["project_id"] for row in CASES})


@pytest.mark.parametrize(("project", "cost"), [("plain", "0.001215"), ("batch", "0.2302")])
def test_the_worked_examples_of_the_price_source_come_out(priced: Priced, project: str, cost: str) -> None:
    row = priced[1][project]
    assert (row["total_cost_usd"], row["price_version"]) == (Decimal(cost), "0.2.3")


def test_an_own_price_holds_on_its_days_and_the_list_on_the_others(priced: Priced) -> None:
    found = {day: priced[1][f"own-{day}"]["total_cost_usd"] for day in range(19, 23)}
    assert found == {19: Decimal("0.6")} | dict.fromkeys((20, 21, 22), Decimal("0.123456789"))


def test_where_the_own_file_says_nothing_the_platforms_price_counts_before_the_list(priced: Priced) -> None:
    row = priced[1]["own-23"]
    assert (row["total_cost_usd"], row["pricing_source"]) == (Decimal("0.9"), "llm_model_pricing")


@pytest.mark.item("H118")
def test_an_unknown_model_has_no_cost_and_keeps_its_counts(priced: Priced) -> None:
    row = priced[1]["unknown"]
    assert (row["price_status"], row["total_cost_usd"], row["output_tokens"]) == ("UNPRICED", None, 5)


def test_one_meter_without_a_price_leaves_the_whole_row_unpriced(priced: Priced) -> None:
    row = priced[1]["one-meter"]
    assert (row["price_status"], row["output_cost_usd"], row["total_cost_usd"]) == ("UNPRICED", None, None)


@pytest.mark.item("H118")
def test_a_count_below_zero_is_never_priced_even_when_another_outweighs_it(priced: Priced) -> None:
    assert priced[1]["negative"]["price_status"] == "UNPRICED"


def test_usage_of_nothing_costs_nothing(priced: Priced) -> None:
    row = priced[1]["nothing"]
    assert (row["price_status"], row["total_cost_usd"]) == ("PRICED", Decimal(0))


def test_what_has_no_price_is_counted_and_named(priced: Priced) -> None:
    done, rows, messages = priced
    unpriced = [row for row in rows.values() if row["price_status"] == "UNPRICED"]
    assert done.output["unpriced_rows"] == len(unpriced) > 3
    assert set(done.output["unpriced_models"].split(", ")) == {"gpt-9", "gpt-5.4", MINI}
    assert len(messages) == 1
    assert messages[0].startswith(f"{len(unpriced)} rows have no price: ")


@pytest.mark.parametrize("project", ["unknown-nothing", "scale-nothing"])
def test_what_the_book_does_not_know_is_unpriced_even_when_nothing_was_counted(priced: Priced, project: str) -> None:
    row = priced[1][project]
    assert (row["price_status"], row["total_cost_usd"], row["input_cost_usd"]) == ("UNPRICED", None, None)


def test_a_tier_is_standard_only_when_the_provider_says_so(priced: Priced) -> None:
    rows = priced[1]
    found = {tier: rows[f"tier-{tier}"]["total_cost_usd"] for tier in TIERS}
    assert found["flex"] < found["default"] < found["priority"]
    assert found["default"] == found["auto"] == found["standard"] == found[None] == Decimal(15)
    assert {tier for tier, cost in found.items() if cost is None} == {"scale", "new"}
    assert rows["batch-scale"]["price_status"] == "UNPRICED"


def test_images_have_their_own_prices_where_the_model_has_them(priced: Priced) -> None:
    model = [price for price in FEW if (price["model_id"], price["variant"]) == ("gpt-image-1.5", "standard")]
    listed = {price["meter"]: price["price_usd"] for price in model}
    row = priced[1]["image"]
    assert row["input_cost_usd"] == listed["input"] + 2 * listed["image_input"]
    assert row["cached_input_cost_usd"] == listed["cached_input"] + listed["cached_image_input"]
    assert row["output_cost_usd"] == listed["output"] + listed["image_output"]


def test_images_are_billed_as_text_where_the_model_has_no_price_for_them(priced: Priced) -> None:
    row = priced[1]["image-as-text"]
    found = (row["input_cost_usd"], row["cached_input_cost_usd"], row["output_cost_usd"])
    assert found == (Decimal("7.5"), Decimal("0.5"), Decimal(30))


async def test_the_days_of_an_earlier_step_are_priced_too(context: Make) -> None:
    days = [DAY - timedelta(days=back) for back in range(3)]
    usage = [usage_row(day, model=MINI, output_tokens=10**6) for day in days]
    await load(context(days[-1], DAY), usage, FEW)
    earlier = {"usage": {"first_day": days[-1].isoformat(), "last_day": DAY.isoformat()}}
    done = await OpenAiCost().execute(CostConfig(days_from="usage"), context(DAY, DAY, outputs=earlier))
    assert (done.rows, done.output["first_day"]) == (3, days[-1].isoformat())
    nothing = {"usage": {"first_day": None, "last_day": None}}
    empty = DAY + timedelta(days=1)
    done = await OpenAiCost().execute(CostConfig(days_from="usage"), context(empty, outputs=nothing))
    assert (done.rows, done.output["first_day"], done.output["total_cost_usd"]) == (0, empty.isoformat(), "0")
