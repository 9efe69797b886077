"""Results of Anthropic's reports as rows, from the published examples."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.model import anthropic_claude_code, anthropic_cost, anthropic_usage
from workers.model.money import from_cents

EXAMPLES = Path(__file__).parents[2] / "fixtures" / "anthropic" / "examples"


def example(name: str) -> Any:
    return json.loads((EXAMPLES / f"{name}.json").read_text(), parse_float=Decimal)["data"][0]


def test_the_published_usage_is_read_to_its_last_count() -> None:
    (result,) = example("usage_report_messages_response")["results"]
    row = anthropic_usage.row_of(result, ("model", "api_key_id"))
    assert {name: row[name] for name in anthropic_usage.COUNTS} == {
        "uncached_input_tokens": 1500,
        "cache_write_5m_tokens": 500,
        "cache_write_1h_tokens": 1000,
        "cache_read_tokens": 200,
        "output_tokens": 500,
        "web_search_requests": 10,
        "requests": None,
    }
    assert (row["model"], row["context_window"], row["speed"]) == ("claude-opus-5", "0-200k", None)
    assert (row["grouped_by"], row["raw"]) == ("api_key_id,model", {})


def test_what_has_no_column_is_kept_beside_them() -> None:
    result = {"output_tokens": 1, "thinking_tokens": 2, "server_tool_use": {"web_search_requests": 1, "fetches": 3}}
    row = anthropic_usage.row_of(result, ())
    assert row["raw"] == {"thinking_tokens": 2, "server_tool_use": {"fetches": 3}}


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"output_tokens": "many"}, "output_tokens is not"),
        ({"cache_creation": 5}, "cache_creation is int"),
        ({"cache_creation": {"ephemeral_5m_input_tokens": 0.5}}, "ephemeral_5m_input_tokens is not"),
        ({"workspace_id": 7}, "workspace_id is int"),
    ],
)
def test_a_result_that_is_not_as_published_is_named(odd: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        anthropic_usage.row_of(odd, ())


def test_a_flat_row_is_its_metrics_beside_its_group() -> None:
    assert anthropic_usage.flat({"usage": {"output_tokens": 1}, "group": {"model": "m"}}, "usage") == {
        "output_tokens": 1,
        "model": "m",
    }
    with pytest.raises(ValueError, match="a row has no group"):
        anthropic_usage.flat({"usage": {}}, "usage")


def test_the_published_cost_is_a_dollar_and_not_a_hundred() -> None:
    (result,) = example("cost_report_response")["results"]
    (row,) = anthropic_cost.summed([anthropic_cost.row_of(result)])
    assert (row["amount"], row["currency"]) == (Decimal("1.237891200"), "USD")
    assert (row["line_item"], row["cost_type"]) == ("Claude Sonnet 4 Usage - Input Tokens", "tokens")


@given(st.decimals(min_value=-(10**15), max_value=10**15, places=9))
def test_cents_are_hundredths_exactly(cents: Decimal) -> None:
    assert from_cents(f"{cents:f}") * 100 == cents


def test_pieces_of_one_line_add_up_before_they_are_rounded() -> None:
    pieces = [anthropic_cost.row_of({"amount": amount}) for amount in ("0.00000006", "0.00000006", "-0.00000002")]
    assert [row["amount"] for row in anthropic_cost.summed(pieces)] == [Decimal("0.000000001")]


@pytest.mark.parametrize("odd", [None, "12,5", "NaN", True, {}])
def test_an_amount_that_is_none_is_refused(odd: Any) -> None:
    with pytest.raises(ValueError, match="amount"):
        anthropic_cost.row_of({"amount": odd})


def test_a_record_of_claude_code_counts_each_thing_once() -> None:
    record = example("usage_report_claude_code_response")
    rows = list(anthropic_claude_code.summed(anthropic_claude_code.rows_of(record)))
    assert [(row["row_kind"], row["model"]) for row in rows] == [
        ("activity", None),
        ("model", "claude-opus-5"),
        ("model", "claude-sonnet-5"),
    ]
    assert {row["actor"] for row in rows} == {"user@emaildomain.com"}
    assert sum(row["sessions"] or 0 for row in rows) == 15
    assert sum(row["tool_actions_accepted"] or 0 for row in rows) == 50
    assert [row["estimated_cost"] for row in rows] == [None, Decimal("1.86"), Decimal("0.42")]
    assert [row["input_tokens"] for row in rows] == [None, 45230, 23100]
    assert rows[0]["raw"]["tool_actions"]["edit_tool"] == {"accepted": 25, "rejected": 3}


def test_records_of_one_actor_and_terminal_are_one_row() -> None:
    record = example("usage_report_claude_code_response_2026-03")
    once = list(anthropic_claude_code.summed(anthropic_claude_code.rows_of(record)))
    pieces = [*anthropic_claude_code.rows_of(record), *anthropic_claude_code.rows_of(record)]
    twice = list(anthropic_claude_code.summed(pieces))
    assert [row["is_remote"] for row in once] == [None, None, None]
    assert [row["estimated_cost"] for row in twice] == [None, Decimal("3.72"), Decimal("0.84")]
    assert len(twice) == len(once)


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"actor": "me"}, "actor is str"),
        ({"is_remote": "yes"}, "is_remote is str"),
        ({"model_breakdown": {}}, "model_breakdown is no list"),
        ({"model_breakdown": [5]}, "holds what is no object"),
        ({"core_metrics": {"num_sessions": -0.5}}, "num_sessions is not"),
        ({"tool_actions": {"edit_tool": 5}}, "edit_tool is int"),
    ],
)
def test_a_record_that_is_not_as_published_is_named(odd: dict[str, Any], said: str) -> None:
    record = example("usage_report_claude_code_response") | odd
    with pytest.raises(ValueError, match=said):
        list(anthropic_claude_code.rows_of(record))
