"""The committed list-price table: current, exact, and priced as the provider bills."""

from __future__ import annotations

import csv
import json
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from tools import prices

SCHEMA = Path(__file__).parents[3] / "configs/system/schemas/llm_price_book.json"
NOVEMBER = date(2026, 11, 15)
Row = dict[str, str]


@pytest.fixture(scope="module")
def table() -> list[Row]:
    with prices.PATH.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def in_force(row: Row, day: date) -> bool:
    return row["effective_date"] <= day.isoformat() <= (row["end_date"] or "9999-12-31")


def price(table: list[Row], model: str, meter: str, variant: str = "standard", day: date = NOVEMBER) -> Decimal | None:
    key = (model, meter, variant)
    found = [row for row in table if (row["model_id"], row["meter"], row["variant"]) == key and in_force(row, day)]
    assert len(found) <= 1
    return Decimal(found[0]["price_usd"]) / Decimal(found[0]["per"]) if found else None


def cost(table: list[Row], model: str, variant: str, counts: dict[str, int], day: date = NOVEMBER) -> Decimal:
    total = Decimal(0)
    for meter, count in counts.items():
        each = price(table, model, meter, variant, day)
        assert each is not None, meter
        total += each * count
    return total


def test_the_committed_table_is_what_the_pinned_snapshot_gives() -> None:
    assert prices.PATH.read_text(encoding="utf-8") == prices.as_csv(prices.list_prices())


def test_the_check_accepts_the_committed_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert prices.main(["--check"]) == 0
    assert capsys.readouterr() == ("", "")


def test_the_check_refuses_a_table_that_drifted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drifted = tmp_path / "list_prices.csv"
    drifted.write_text(prices.PATH.read_text(encoding="utf-8").replace(",0.15,", ",0.16,"), encoding="utf-8")
    assert prices.main(["--check", "--path", str(drifted)]) == 1
    assert "make prices" in capsys.readouterr().err


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    target = tmp_path / "new" / "list_prices.csv"
    prices.main(["--path", str(target)])
    assert target.read_bytes() == prices.PATH.read_bytes()


def test_every_column_of_the_table_is_a_column_of_the_price_book(table: list[Row]) -> None:
    columns = {column["name"] for column in json.loads(SCHEMA.read_text(encoding="utf-8"))["columns"]}
    assert set(table[0]) <= columns


def test_price_ids_are_unique(table: list[Row]) -> None:
    assert len({row["price_id"] for row in table}) == len(table)


def test_a_cached_row_costs_what_it_costs_by_hand(table: list[Row]) -> None:
    counts = {"input": 3_200, "cached_input": 1_800, "output": 1_000}
    assert cost(table, "gpt-4o-mini", "standard", counts) == Decimal("0.001215")


def test_a_batch_row_costs_what_it_costs_by_hand(table: list[Row]) -> None:
    counts = {"input": 60_000, "cached_input": 40_000, "output": 20_000}
    assert cost(table, "gpt-5.4", "batch", counts) == Decimal("0.2302")


def test_a_batch_row_costs_the_same_before_the_source_verified_its_price(table: list[Row]) -> None:
    counts = {"input": 60_000, "cached_input": 40_000, "output": 20_000}
    assert cost(table, "gpt-5.4", "batch", counts, date(2026, 6, 1)) == Decimal("0.2302")


def test_a_batch_row_with_cache_writes_and_searches_costs_what_it_costs_by_hand(table: list[Row]) -> None:
    counts = {
        "input": 1_500,
        "cache_write_5m": 500,
        "cache_write_1h": 1_000,
        "cached_input": 200,
        "output": 500,
        "web_search": 10,
    }
    assert cost(table, "claude-haiku-4-5", "batch", counts) == Decimal("0.1033225")


def test_embeddings_have_an_input_price_and_nothing_else(table: list[Row]) -> None:
    rows = [row for row in table if row["model_id"] == "text-embedding-3-small"]
    assert [(row["meter"], row["variant"], row["price_usd"]) for row in rows] == [("input", "standard", "0.02")]


def test_a_tier_by_request_size_is_not_applied_to_a_day(table: list[Row]) -> None:
    counts = {"input": 5_000_000, "output": 100_000}
    assert cost(table, "claude-sonnet-4-5", "standard", counts) == Decimal("16.50")


def test_a_tier_by_request_size_is_a_variant_where_usage_tells_large_requests(table: list[Row]) -> None:
    counts = {"input": 5_000_000, "output": 100_000}
    assert cost(table, "claude-sonnet-4-5", "long_context", counts) == Decimal("32.25")
    assert cost(table, "claude-sonnet-4-5", "batch_long_context", counts) == Decimal("16.125")
    assert not {row["provider"] for row in table if "long_context" in row["variant"]} - {"anthropic"}


@pytest.mark.parametrize(("day", "usd"), [(date(2026, 3, 12), "10"), (date(2026, 3, 13), "5")])
def test_a_tier_that_was_given_up_ends_with_its_price(table: list[Row], day: date, usd: str) -> None:
    assert price(table, "claude-opus-4-6", "input", "long_context", day) == Decimal(usd) / 1_000_000


def test_a_model_without_tiers_has_no_variant_for_large_requests(table: list[Row]) -> None:
    assert price(table, "claude-opus-5", "input", "long_context") is None


def test_a_model_without_an_audio_price_has_no_audio_row(table: list[Row]) -> None:
    assert price(table, "gpt-4o-audio-preview", "audio_input") is None
    assert price(table, "gpt-4o-audio-preview", "input") == Decimal("0.0000025")


def test_a_model_the_source_calls_free_costs_nothing_and_has_a_row(table: list[Row]) -> None:
    assert price(table, "moderation", "input") == 0


@pytest.mark.parametrize(("day", "usd"), [(date(2025, 6, 9), "10"), (date(2025, 6, 10), "2")])
def test_a_dated_price_ends_the_day_before_the_next_begins(table: list[Row], day: date, usd: str) -> None:
    assert price(table, "o3", "input", day=day) == Decimal(usd) / 1_000_000


def test_a_variant_is_unknown_under_an_older_standard_price(table: list[Row]) -> None:
    assert price(table, "o3", "input", "batch", date(2025, 6, 9)) is None
    assert price(table, "o3", "input", "batch", date(2025, 6, 10)) == Decimal("0.000001")


def test_the_spans_of_one_meter_never_overlap(table: list[Row]) -> None:
    spans: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for row in table:
        key = (row["provider"], row["model_id"], row["meter"], row["variant"])
        spans.setdefault(key, []).append((row["effective_date"], row["end_date"] or "9999-12-31"))
    for dated in spans.values():
        assert all(first[1] < second[0] for first, second in pairwise(dated))
