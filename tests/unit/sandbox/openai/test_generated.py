"""Generated days: the same whenever they are asked for, true to the token identities, and varied."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.dice import Dice
from sandbox.openai.completions import completion_counts
from sandbox.openai.endpoints import ENDPOINTS
from sandbox.openai.generated import USAGE, Generated
from sandbox.openai.organisation import MODELS, Model
from sandbox.openai.tariff import cost_records
from sandbox.records import DAY, Past, Record
from tools.prices import list_prices

MONDAY = date(2026, 11, 2)
MONTH = [MONDAY + timedelta(days=n) for n in range(28)]
DAYS = st.dates(date(2024, 1, 1), date(2030, 1, 1))


def month(endpoint: str, seed: int = 7) -> list[Record]:
    source = Generated(seed)
    return [record for day in MONTH for record in source.records(endpoint, day)]


@given(DAYS, st.sampled_from(USAGE))
def test_a_day_is_the_same_whenever_it_is_asked_for(day: date, endpoint: str) -> None:
    before = Generated(7)
    before.records("costs", day + timedelta(days=1))
    assert before.records(endpoint, day) == Generated(7).records(endpoint, day)


def test_a_day_known_by_heart_has_not_changed() -> None:
    records = Generated(7).records("completions", MONDAY)
    assert (len(records), sum(record.counts["input_tokens"] for record in records)) == (56, 20_104_950)


def test_another_seed_is_another_organisation() -> None:
    assert month("completions", 7) != month("completions", 8)


def test_a_day_to_come_has_no_records() -> None:
    past = Past(Generated(7), lambda: MONDAY)
    assert past.records("completions", MONDAY)
    assert past.records("completions", MONDAY + timedelta(days=1)) == ()


@given(st.integers(0, 10_000), st.sampled_from(MODELS), st.integers(1, 10_000))
def test_parts_of_tokens_add_up(seed: int, model: Model, requests: int) -> None:
    counts = completion_counts(Dice(seed), model, requests)
    kinds = ("text", "audio", "image")
    uncached, cached = counts["input_uncached_tokens"], counts["input_cached_tokens"]
    assert counts["input_tokens"] == uncached + cached + counts["input_cache_write_tokens"]
    assert uncached == sum(counts[f"input_{kind}_tokens"] for kind in kinds)
    assert cached == sum(counts[f"input_cached_{kind}_tokens"] for kind in kinds)
    assert counts["output_tokens"] == sum(counts[f"output_{kind}_tokens"] for kind in kinds)
    assert min(counts.values()) >= 0


def test_a_month_has_every_kind_of_token() -> None:
    names = {name for record in month("completions") for name, count in record.counts.items() if count}
    assert names == {*ENDPOINTS[0].counts, "input_cache_write_30m_tokens"} - {"output_image_tokens"}


def test_a_month_has_every_model_and_way_of_calling() -> None:
    seen = [record.dimensions for record in month("completions")]
    assert {each["model"] for each in seen} == {model.name for model in MODELS}
    ways = {(each["batch"], each["service_tier"]) for each in seen}
    assert ways == {(False, "default"), (True, "default"), (False, "flex"), (False, "priority")}


def test_one_model_is_in_no_price_list() -> None:
    known = {row.model_id for row in list_prices()}
    assert "gpt-nova-preview" in {model.name for model in MODELS}
    assert not any("nova" in name for name in known)


@pytest.mark.parametrize("endpoint", [endpoint.name for endpoint in ENDPOINTS])
def test_every_endpoint_has_records_in_a_month(endpoint: str) -> None:
    records = month(endpoint)
    assert records
    assert all(0 <= record.second < DAY for record in records)


def test_every_endpoint_rests_now_and_then() -> None:
    source = Generated(7)
    for endpoint in USAGE:
        empty = sum(not source.records(endpoint, MONDAY - timedelta(days=n)) for n in range(365))
        assert 0 < empty < 365


def test_costs_are_those_of_the_usage() -> None:
    source = Generated(7)
    parts = [cost for name in USAGE for usage in source.records(name, MONDAY) for cost in cost_records(name, usage)]
    assert sum(cost.counts["amount"] for cost in parts) == sum(
        cost.counts["amount"] for cost in source.records("costs", MONDAY)
    )
    assert len(parts) > 100


def test_a_batch_costs_half() -> None:
    counts = {"input_tokens": 1_000_000, "input_uncached_tokens": 1_000_000}
    amounts = [
        [
            cost.counts["amount"]
            for cost in cost_records(
                "completions",
                Record(0, {"model": "gpt-4o-2024-08-06", "batch": batch, "service_tier": "default"}, counts),
            )
        ]
        for batch in (False, True)
    ]
    assert amounts == [[Decimal("2.5")], [Decimal("1.25")]]
