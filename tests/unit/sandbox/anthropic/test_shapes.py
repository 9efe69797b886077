"""The simulator's answers and the published examples have one shape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.anthropic.listings import COSTS, MESSAGES
from tests.fakes.anthropic_caller import ANALYTICS, Caller, Start
from tests.fakes.json_shape import shape_errors

FIXTURES = Path(__file__).parents[3] / "fixtures/anthropic"
SCHEMAS = json.loads((FIXTURES / "response_schemas.json").read_text(encoding="utf-8"))
WEEK = (("starting_at", "2026-11-02T00:00:00Z"), ("ending_at", "2026-11-09T00:00:00Z"))
EXAMPLES = {
    "usage_report_messages_response": "MessagesUsageReport",
    "cost_report_response": "CostReport",
    "usage_report_claude_code_response": "ClaudeCodeUsageReport",
    "usage_report_claude_code_response_2026-03": "ClaudeCodeUsageReport",
    "error_401": "ErrorResponse",
    "error_429": "ErrorResponse",
}


def example(name: str) -> Any:
    return json.loads((FIXTURES / "examples" / f"{name}.json").read_text(encoding="utf-8"))


def groups(*names: str) -> list[tuple[str, str]]:
    return [("group_by[]", name) for name in names]


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_published_example_has_the_published_shape(name: str) -> None:
    assert shape_errors(SCHEMAS, EXAMPLES[name], example(name)) == []


@pytest.mark.parametrize("grouped", [(), tuple(name for name in MESSAGES.groups if name != "speed")])
async def test_usage_has_the_published_shape_and_every_published_field(
    caller: Caller, grouped: tuple[str, ...]
) -> None:
    page = await caller.page(MESSAGES.path, *WEEK, *groups(*grouped))
    assert shape_errors(SCHEMAS, "MessagesUsageReport", page) == []
    rows = [row for bucket in page["data"] for row in bucket["results"]]
    (published,) = example("usage_report_messages_response")["data"][0]["results"]
    assert all(row.keys() == published.keys() for row in rows)
    filled = {name for row in rows for name in MESSAGES.groups if row.get(name) is not None}
    assert filled == set(grouped) - {"account_id", "service_account_id"}


@pytest.mark.parametrize("grouped", [(), ("workspace_id",), COSTS.groups])
async def test_costs_have_the_published_shape_and_every_published_field(
    caller: Caller, grouped: tuple[str, ...]
) -> None:
    page = await caller.page(COSTS.path, *WEEK, *groups(*grouped))
    assert shape_errors(SCHEMAS, "CostReport", page) == []
    rows = [row for bucket in page["data"] for row in bucket["results"]]
    (published,) = example("cost_report_response")["data"][0]["results"]
    assert all(row.keys() == published.keys() for row in rows)
    kinds = {row["cost_type"] for row in rows}
    assert kinds == ({"tokens", "web_search", "code_execution"} if "description" in grouped else {None})
    assert "priority" not in {row["service_tier"] for row in rows}


async def test_claude_code_has_the_published_shape(caller: Caller) -> None:
    page = await caller.page("usage_report/claude_code", ("starting_at", "2026-11-10"), ("limit", "1000"))
    assert shape_errors(SCHEMAS, "ClaudeCodeUsageReport", page) == []
    assert {record["date"] for record in page["data"]} == {"2026-11-10T00:00:00Z"}
    (published,) = example("usage_report_claude_code_response")["data"]
    assert all(record.keys() == published.keys() for record in page["data"])


@pytest.mark.parametrize("name", ["usage", "cost"])
async def test_flat_rows_have_the_published_shape(caller: Caller, name: str) -> None:
    asked = (*WEEK, ("time_bucket_width", "1d"), ("limit", "1000"), *groups("model", "workspace_id", "service_tier"))
    page = await caller.page(f"analytics/{name}", *asked, **ANALYTICS)
    assert shape_errors(SCHEMAS, f"Analytics{name.title()}Page", page) == []
    assert page["data"]
    assert page["data_refreshed_at"] == "2026-11-20T08:00:00Z"


async def test_the_errors_are_the_published_ones_but_for_their_wording(start: Start) -> None:
    caller = await start(faults=[{"kind": "status", "status": status} for status in (429, 529)])
    assert await caller.refusal(COSTS.path, *WEEK, key="sk-ant-admin-other") == (401, "authentication_error")
    assert await caller.refusal(COSTS.path, *WEEK, key="sk-ant-api03-other") == (403, "permission_error")
    assert await caller.refusal("nothing/here") == (404, "not_found_error")
    assert await caller.refusal(COSTS.path, *WEEK) == (429, "rate_limit_error")
    assert await caller.refusal(COSTS.path, *WEEK) == (529, "overloaded_error")
    whole = await (await caller.get(COSTS.path)).json()
    assert shape_errors(SCHEMAS, "ErrorResponse", whole) == []
