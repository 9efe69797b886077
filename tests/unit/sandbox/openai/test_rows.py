"""Rows: grouped as asked, null where not asked, now and then twice, and the same sum however they are grouped."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from sandbox.openai.generated import Generated
from sandbox.openai.organisation import KEYS
from tests.fakes.openai_caller import TODAY, Caller, Start, midnight

MONTH = {"start_time": midnight("2026-10-01"), "end_time": midnight("2026-11-01")}
DAY = {"start_time": midnight("2026-11-03"), "end_time": midnight("2026-11-04")}
ALL = "project_id,user_id,api_key_id,model,batch,service_tier"


def total(rows: list[dict[str, Any]], name: str) -> int:
    return sum(row[name] for row in rows)


def amount(rows: list[dict[str, Any]]) -> Decimal:
    return sum((Decimal(str(row["amount"]["value"])) for row in rows), Decimal(0))


async def test_an_ungrouped_day_is_one_row_without_dimensions(caller: Caller) -> None:
    rows = await caller.rows("usage/completions", **DAY)
    assert len(rows) == 1
    assert all(rows[0][name] is None for name in ALL.split(","))


async def test_only_what_is_grouped_by_is_filled(caller: Caller) -> None:
    rows = await caller.rows("usage/completions", **DAY, group_by="model")
    assert all(row["model"] for row in rows)
    assert {row["project_id"] for row in rows} == {row["batch"] for row in rows} == {None}


@pytest.mark.parametrize("grouping", ["project_id", "model,batch", ALL])
async def test_the_sums_do_not_depend_on_the_grouping(caller: Caller, grouping: str) -> None:
    plain = await caller.rows("usage/completions", **MONTH)
    grouped = await caller.rows("usage/completions", **MONTH, group_by=grouping)
    assert len(grouped) > len(plain)
    for name in ("input_tokens", "input_cached_tokens", "output_tokens", "num_model_requests"):
        assert total(grouped, name) == total(plain, name)


async def test_now_and_then_two_rows_have_one_key(caller: Caller) -> None:
    page = await caller.page("usage/completions", **MONTH, limit=31, group_by=ALL)
    keys = Counter(
        (bucket["start_time"], *(row[name] for name in ALL.split(",")))
        for bucket in page["data"]
        for row in bucket["results"]
    )
    twins = sum(count == 2 for count in keys.values())
    assert 0 < twins < len(keys) / 10
    assert max(keys.values()) == 2


async def test_the_token_identities_hold_on_every_row(caller: Caller) -> None:
    for row in await caller.rows("usage/completions", **MONTH, group_by=ALL):
        parts = row["input_cached_tokens"] + row["input_cache_write_tokens"] + row["input_uncached_tokens"]
        assert row["input_tokens"] == parts


async def test_some_rows_have_fields_newer_than_the_specification(caller: Caller) -> None:
    rows = await caller.rows("usage/completions", **MONTH, group_by=ALL)
    for name in ("api_source", "input_cache_write_30m_tokens"):
        assert 0 < sum(name in row for row in rows) < len(rows)


async def test_amounts_come_as_text_and_as_numbers(caller: Caller) -> None:
    rows = await caller.rows("costs", **MONTH, group_by="line_item")
    assert {type(row["amount"]["value"]) for row in rows} == {str, float}
    assert {row["amount"]["currency"] for row in rows} == {"usd"}


async def test_costs_add_up_however_they_are_grouped(caller: Caller) -> None:
    plain = await caller.rows("costs", **MONTH)
    for grouping in ("line_item", "project_id", "project_id,line_item,api_key_id"):
        assert amount(await caller.rows("costs", **MONTH, group_by=grouping)) == amount(plain)


async def test_a_cost_has_a_quantity_only_by_line_item(caller: Caller) -> None:
    plain = await caller.rows("costs", **DAY, group_by="project_id")
    lines = await caller.rows("costs", **DAY, group_by="line_item")
    assert {(row["quantity"], row["quantity_unit"]) for row in plain} == {(None, None)}
    assert all(row["quantity"] and row["quantity_unit"] for row in lines)


async def test_scale_makes_copies_of_every_key(start: Start) -> None:
    one, many = await start(), await start(scale=25)
    single = await one.rows("usage/completions", **DAY, group_by="api_key_id,model")
    scaled = await many.rows("usage/completions", **DAY, group_by="api_key_id,model")
    assert len(scaled) == 25 * len(single)
    assert len({row["api_key_id"] for row in scaled}) == 25 * len({row["api_key_id"] for row in single})
    assert total(scaled, "input_tokens") == 25 * total(single, "input_tokens")


async def test_scale_shows_in_the_sums_where_keys_do_not(start: Start) -> None:
    one, many = await start(), await start(scale=25)
    single = await one.rows("usage/completions", **DAY, group_by="model")
    scaled = await many.rows("usage/completions", **DAY, group_by="model")
    assert len(scaled) == len(single)
    assert total(scaled, "output_tokens") == 25 * total(single, "output_tokens")


async def test_a_large_page_arrives_whole(start: Start) -> None:
    caller = await start(scale=2_000)
    rows = await caller.rows("usage/completions", **DAY, group_by="api_key_id,model,batch,service_tier")
    records = Generated(7).records("completions", TODAY.replace(day=3))
    expected = 2_000 * sum(int(record.counts["input_tokens"]) for record in records)
    assert total(rows, "input_tokens") == expected
    assert len({row["api_key_id"] for row in rows}) == 2_000 * len({key.id for key in KEYS})
