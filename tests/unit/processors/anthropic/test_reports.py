"""What Anthropic's steps make of reports, as they should be and as they should not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.rows_of import misfits
from tests.fakes.step_bench import FIRST, LAST, Bench, days
from tests.unit.processors.anthropic.conftest import bucket, midnight
from workers.model.failure import FailedError, Reason
from workers.model.window import DateWindow
from workers.ports import StepResult
from workers.processors.anthropic.claude_code import AnthropicClaudeCode, ClaudeCodeConfig
from workers.processors.anthropic.reported_cost import AnthropicReportedCost, ReportedCostConfig
from workers.processors.anthropic.usage import AnthropicUsage, UsageConfig

DAY = FIRST
RESULT = {
    "uncached_input_tokens": 10,
    "cache_creation": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 3},
    "cache_read_input_tokens": 2,
    "output_tokens": 1,
    "server_tool_use": {"web_search_requests": 4},
    "model": "claude-opus-5",
    "workspace_id": None,
}
COST = {"amount": "123.78912", "currency": "USD", "description": "Claude - Input Tokens", "model": "claude-opus-5"}
RECORD: dict[str, Any] = {
    "date": midnight(DAY),
    "actor": {"type": "user_actor", "email_address": "a@b.example"},
    "terminal_type": "tmux",
    "core_metrics": {"num_sessions": 2},
    "model_breakdown": [{"model": "m", "tokens": {"input": 7}, "estimated_cost": {"amount": 186, "currency": "USD"}}],
}


async def use(bench: Bench, first: date = FIRST, last: date = LAST, **config: Any) -> StepResult:
    return await AnthropicUsage().execute(UsageConfig(**config), bench.context(first, last))


async def report(bench: Bench, *results: Any, **config: Any) -> StepResult:
    bench.pages["cost_report"] = [[bucket(DAY, *results)]]
    return await AnthropicReportedCost().execute(ReportedCostConfig(**config), bench.context(DAY, DAY))


async def code(bench: Bench, first: date = FIRST, last: date = LAST, **config: Any) -> StepResult:
    return await AnthropicClaudeCode().execute(ClaudeCodeConfig(**config), bench.context(first, last))


async def refusal(bench: Bench, step: Any) -> str:
    with pytest.raises(FailedError) as caught:
        await step
    assert caught.value.failure.reason is Reason.PROVIDER_BAD_RESPONSE
    assert bench.warehouse.published == []
    return caught.value.failure.message


def fitting(bench: Bench, table: str) -> list[dict[str, Any]]:
    """Return the rows that were published to a table, which they must fit."""
    (done,) = bench.warehouse.published
    assert done.table == table
    schema = bench.catalog.schemas.table(table)
    assert [problem for row in done.rows for problem in misfits(schema, row)] == []
    return [dict(row) for row in done.rows]


async def test_usage_is_asked_for_in_whole_days_by_what_prices_depend_on(bench: Bench) -> None:
    await use(bench)
    (read,) = bench.reads["messages"]
    asked = dict(read.params)
    assert (asked["starting_at"], asked["ending_at"]) == ("2025-06-01T00:00:00Z", "2025-06-04T00:00:00Z")
    assert (asked["bucket_width"], asked["limit"]) == ("1d", "31")
    groups = {value for name, value in read.params if name == "group_by[]"}
    assert {"model", "service_tier", "context_window", "inference_geo", "workspace_id"} <= groups
    assert read.endpoint.headers["anthropic-version"] == "2023-06-01"
    assert "anthropic-beta" not in read.endpoint.headers


async def test_usage_fits_its_table_and_is_published_at_once(bench: Bench) -> None:
    bench.pages["messages"] = [[bucket(day, RESULT, RESULT) for day in days()]]
    result = await use(bench)
    rows = fitting(bench, "anthropic_usage_daily_raw")
    assert [row["usage_date"] for row in rows] == days()
    counted = [
        (row["uncached_input_tokens"], row["cache_write_5m_tokens"], row["cache_write_1h_tokens"]) for row in rows
    ]
    assert counted == [(20, 10, 6)] * 3
    assert {(row["cache_read_tokens"], row["web_search_requests"], row["requests"]) for row in rows} == {(4, 8, None)}
    assert {(row["source"], row["data_refreshed_at"]) for row in rows} == {("report", None)}
    assert (bench.warehouse.published[0].window, bench.warehouse.published[0].complete) == (
        DateWindow(FIRST, LAST),
        True,
    )
    assert (result.rows, result.output["days"], result.output["missing_days"]) == (3, 3, 0)


async def test_a_null_says_whether_it_was_asked_for(bench: Bench) -> None:
    bench.pages["messages"] = [[bucket(DAY, RESULT)]]
    await use(bench, DAY, DAY, group_by=("model", "workspace_id"))
    (row,) = fitting(bench, "anthropic_usage_daily_raw")
    assert (row["workspace_id"], row["api_key_id"], row["grouped_by"]) == (None, None, "model,workspace_id")


async def test_a_version_and_a_beta_are_spoken_where_they_are_configured(bench: Bench) -> None:
    await use(bench, anthropic_version="2026-10-21", group_by=("model", "speed"))
    headers = bench.reads["messages"][0].endpoint.headers
    assert (headers["anthropic-version"], headers["anthropic-beta"]) == ("2026-10-21", "fast-mode-2026-02-01")


@pytest.mark.fault("F45")
async def test_a_bucket_that_is_missing_is_told_and_is_no_day_without_usage(bench: Bench) -> None:
    bench.pages["messages"] = [[bucket(FIRST, RESULT), bucket(LAST, RESULT)]]
    result = await use(bench)
    assert (bench.warehouse.published[0].complete, result.output["missing_days"]) == (False, 1)
    assert bench.messages == ["days without a bucket: 2025-06-02"]


@pytest.mark.item("H118")
async def test_counts_below_zero_are_kept_counted_and_told(bench: Bench) -> None:
    bench.pages["messages"] = [[bucket(DAY, RESULT | {"output_tokens": -1})]]
    result = await use(bench, DAY, DAY)
    assert (result.rows, result.output["rows_below_zero"]) == (1, 1)
    assert bench.messages == ["1 rows count less than nothing and were kept as they came"]


@pytest.mark.fault("F44")
@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"results": []}, "starting_at is not an RFC 3339 timestamp"),
        ({"starting_at": 5, "results": []}, "starting_at is not"),
        ({"starting_at": "2025-06-01T00:00:01Z", "results": []}, "where no day starts"),
        ({"starting_at": midnight(LAST + timedelta(days=1)), "results": []}, "where no day starts"),
        ({"starting_at": midnight(DAY)}, "no list of results"),
        (bucket(DAY, {"output_tokens": "many"}), "output_tokens is not"),
    ],
)
async def test_an_answer_that_is_not_as_specified_changes_nothing(bench: Bench, broken: Any, said: str) -> None:
    bench.pages["messages"] = [[broken]]
    message = await refusal(bench, use(bench))
    assert message.startswith("https://api.anthropic.com/v1/organizations/usage_report/messages: ")
    assert said in message


@pytest.mark.fault("F45")
async def test_a_day_that_comes_twice_is_never_counted_twice(bench: Bench) -> None:
    bench.pages["messages"] = [[bucket(DAY, RESULT)], [bucket(DAY, RESULT)]]
    assert "came before" in await refusal(bench, use(bench))


async def test_reported_cents_become_dollars(bench: Bench) -> None:
    result = await report(bench, COST, COST | {"amount": "0.5", "workspace_id": "w"})
    rows = fitting(bench, "anthropic_provider_cost_daily")
    assert [(row["workspace_id"], row["amount"]) for row in rows] == [
        (None, Decimal("1.2378912")),
        ("w", Decimal("0.005")),
    ]
    assert (result.output["reported_total"], result.output["priority_tier_included"]) == ("1.242891200", False)
    assert dict(bench.reads["cost_report"][0].params)["limit"] == "31"


@pytest.mark.parametrize("odd", [{"amount": None}, {"amount": "1,5"}, {"amount": "1", "currency": 5}])
async def test_an_odd_cost_changes_nothing(bench: Bench, odd: Any) -> None:
    assert DAY.isoformat() in await refusal(bench, report(bench, COST | odd))


async def test_claude_code_is_asked_for_day_by_day(bench: Bench) -> None:
    result = await code(bench)
    asked = [dict(read.params) for read in bench.reads["claude_code"]]
    assert asked == [{"starting_at": day.isoformat(), "limit": "1000"} for day in days()]
    assert (result.rows, result.output["days"], bench.warehouse.published[0].complete) == (0, 3, True)


async def test_claude_code_fits_its_table_in_dollars(bench: Bench) -> None:
    bench.pages["claude_code"] = [[RECORD]]
    await code(bench, DAY, DAY)
    rows = fitting(bench, "anthropic_claude_code_usage_daily")
    assert [(row["row_kind"], row["sessions"], row["estimated_cost"]) for row in rows] == [
        ("activity", 2, None),
        ("model", None, Decimal("1.86")),
    ]


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"date": "2025-06-02T00:00:00Z"}, "a record is of 2025-06-02"),
        ({"date": "yesterday"}, "date is not"),
        ({"model_breakdown": None}, "model_breakdown is no list"),
    ],
)
async def test_a_record_that_cannot_be_right_changes_nothing(bench: Bench, odd: Any, said: str) -> None:
    bench.pages["claude_code"] = [[RECORD | odd]]
    assert said in await refusal(bench, code(bench, DAY, DAY))


ANALYTICS = {"source": "analytics", "restate_days": 0}


@pytest.fixture
def in_2026(bench: Bench) -> Bench:
    """A bench on 15 June 2026; the analytics endpoints begin in that year."""
    bench.clock.advance(timedelta(days=365).total_seconds())
    bench.fields = {"data_refreshed_at": "2026-06-15T05:00:00Z"}
    return bench


def flat_row(day: date, **row: Any) -> dict[str, Any]:
    return {"starting_at": midnight(day), "ending_at": midnight(day + timedelta(days=1)), **row}


async def test_analytics_rows_are_flat_and_say_as_of_when_they_are(in_2026: Bench) -> None:
    day = date(2026, 6, 10)
    usage = {name: RESULT[name] for name in ("uncached_input_tokens", "output_tokens")} | {"requests": 6}
    in_2026.pages["usage"] = [[flat_row(day, usage=usage, group={"model": "m", "service_tier": "batch"})]]
    result = await use(in_2026, day, day + timedelta(days=1), **ANALYTICS)
    (row,) = fitting(in_2026, "anthropic_usage_daily_raw")
    assert (row["usage_date"], row["model"], row["requests"], row["source"]) == (day, "m", 6, "analytics")
    assert row["data_refreshed_at"] == datetime(2026, 6, 15, 5, tzinfo=UTC)
    assert (result.output["missing_days"], result.output["data_refreshed_at"]) == (0, "2026-06-15T05:00:00+00:00")
    (read,) = in_2026.reads["usage"]
    assert (read.path, dict(read.params)["time_bucket_width"]) == ("/organizations/analytics/usage", "1d")
    assert read.endpoint.headers["anthropic-beta"] == "analytics-usage-cost-2026-08-24"
    assert len([name for name, _ in read.params if name == "group_by[]"]) == 5


async def test_analytics_are_asked_for_a_month_at_a_time(in_2026: Bench) -> None:
    await use(in_2026, date(2026, 4, 1), date(2026, 5, 31), **ANALYTICS)
    asked = [dict(read.params) for read in in_2026.reads["usage"]]
    assert [one["starting_at"][:10] for one in asked] == ["2026-04-01", "2026-05-02"]


async def test_analytics_costs_have_the_list_amount_beside_them(in_2026: Bench) -> None:
    day = date(2026, 6, 10)
    cost = {"amount": "80", "list_amount": "100.5", "currency": "USD", "requests": None}
    in_2026.pages["cost"] = [[flat_row(day, cost=cost, group={"model": "m", "cost_type": "tokens"})]]
    config = ReportedCostConfig(source="analytics", restate_days=0)
    await AnthropicReportedCost().execute(config, in_2026.context(day, day))
    (row,) = fitting(in_2026, "anthropic_provider_cost_daily")
    assert (row["amount"], row["list_amount"], row["cost_type"]) == (Decimal("0.8"), Decimal("1.005"), "tokens")


async def test_days_that_analytics_do_not_reach_are_refused_before_anything_is_asked(in_2026: Bench) -> None:
    with pytest.raises(FailedError, match="nothing of days before 2026-01-01") as caught:
        await use(in_2026, date(2025, 12, 31), date(2026, 1, 2), **ANALYTICS)
    assert caught.value.failure.reason is Reason.CONFIG_INVALID
    assert not in_2026.reads


@pytest.mark.parametrize("odd", [{"group": {}}, {"usage": {}}, {"usage": 5, "group": {}}])
async def test_an_analytics_row_without_its_parts_changes_nothing(in_2026: Bench, odd: Any) -> None:
    day = date(2026, 6, 10)
    in_2026.pages["usage"] = [[flat_row(day, **odd)]]
    await refusal(in_2026, use(in_2026, day, day, **ANALYTICS))


async def test_a_moment_of_refresh_that_is_none_changes_nothing(in_2026: Bench) -> None:
    in_2026.fields = {"data_refreshed_at": "lately"}
    day = date(2026, 6, 10)
    assert "data_refreshed_at is not" in await refusal(in_2026, use(in_2026, day, day, **ANALYTICS))


@pytest.mark.parametrize(
    "wrong",
    [
        {"buckets_per_page": 32},
        {"restate_days": -1},
        {"anthropic_version": "newest"},
        {"group_by": ("model", "model")},
        {"group_by": ("colour",)},
        {
            "source": "analytics",
            "group_by": ("model", "workspace_id", "api_key_id", "speed", "service_tier", "account_id"),
        },
    ],
)
def test_a_configuration_the_provider_would_refuse_is_refused_first(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=list(wrong)[-1]):
        UsageConfig(**wrong)
