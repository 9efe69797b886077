"""What the published reference says of parameters, buckets, pages and faults."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.fakes.anthropic_caller import ANALYTICS, KEY, Caller, Start

WEEK = (("starting_at", "2026-11-02T00:00:00Z"), ("ending_at", "2026-11-09T00:00:00Z"))
MESSAGES, COSTS, CODE = "usage_report/messages", "cost_report", "usage_report/claude_code"
BAD = (400, "invalid_request_error")


def starts(pages: list[dict[str, Any]]) -> list[str]:
    return [bucket["starting_at"] for page in pages for bucket in page["data"]]


def tokens(pages: list[dict[str, Any]]) -> int:
    return sum(row["output_tokens"] for page in pages for bucket in page["data"] for row in bucket["results"])


async def test_seven_days_between_midnights_are_seven_buckets(caller: Caller) -> None:
    pages = await caller.pages(MESSAGES, *WEEK)
    assert starts(pages) == [f"2026-11-{day:02}T00:00:00Z" for day in range(2, 9)]


async def test_a_start_is_snapped_to_its_day_and_the_growing_bucket_comes_last(caller: Caller) -> None:
    pages = await caller.pages(MESSAGES, ("starting_at", "2026-11-18T17:11:12+02:00"))
    assert starts(pages) == [f"2026-11-{day}T00:00:00Z" for day in (18, 19, 20)]


async def test_a_bucket_that_ends_after_the_end_is_left_out(caller: Caller) -> None:
    pages = await caller.pages(MESSAGES, WEEK[0], ("ending_at", "2026-11-04T23:59:59Z"))
    assert starts(pages) == ["2026-11-02T00:00:00Z", "2026-11-03T00:00:00Z"]


async def test_a_bucket_without_usage_is_there_and_empty(caller: Caller) -> None:
    asked = (WEEK[0], ("ending_at", "2026-12-31T00:00:00Z"), ("workspace_ids[]", "nobody"), ("limit", "31"))
    pages = await caller.pages(MESSAGES, *asked)
    assert starts(pages)[-1] == "2026-11-20T00:00:00Z"
    assert all(bucket["results"] == [] for page in pages for bucket in page["data"])


@pytest.mark.parametrize(("width", "limit", "buckets"), [("1d", 3, 7), ("1h", 168, 168), ("1m", 1440, 10080)])
async def test_pages_of_every_width_hold_the_same_usage(caller: Caller, width: str, limit: int, buckets: int) -> None:
    pages = await caller.pages(MESSAGES, *WEEK, ("bucket_width", width), ("limit", str(limit)))
    assert len(starts(pages)) == len(set(starts(pages))) == buckets
    assert tokens(pages) == tokens(await caller.pages(MESSAGES, *WEEK))
    assert pages[-1]["next_page"] is None


async def test_filters_and_groups_are_views_of_the_same_records(caller: Caller) -> None:
    (page,) = await caller.pages(MESSAGES, *WEEK, ("group_by[]", "model"))
    by_model = {row["model"]: 0 for bucket in page["data"] for row in bucket["results"]}
    for row in (row for bucket in page["data"] for row in bucket["results"]):
        by_model[row["model"]] += row["output_tokens"]
    for model, count in by_model.items():
        assert tokens(await caller.pages(MESSAGES, *WEEK, ("models[]", model))) == count


async def test_the_default_workspace_and_the_console_are_null(caller: Caller) -> None:
    (page,) = await caller.pages(MESSAGES, *WEEK, ("group_by[]", "workspace_id"), ("group_by[]", "api_key_id"))
    rows = [row for bucket in page["data"] for row in bucket["results"]]
    assert {(row["workspace_id"] is None, row["api_key_id"] is None) for row in rows} == {
        (False, False),
        (True, False),
        (True, True),
    }


async def test_costs_are_the_same_by_description_by_workspace_and_in_all(caller: Caller) -> None:
    sums = []
    for groups in ((), ("workspace_id",), ("workspace_id", "description")):
        (page,) = await caller.pages(COSTS, *WEEK, *(("group_by[]", name) for name in groups))
        sums.append(sum(Decimal(row["amount"]) for bucket in page["data"] for row in bucket["results"]))
    assert sums[0] == sums[1] == sums[2] > 0


async def test_analytics_hold_the_same_usage_in_flat_rows(caller: Caller) -> None:
    asked = (*WEEK, ("time_bucket_width", "1d"), ("group_by[]", "model"))
    pages = await caller.pages("analytics/usage", *asked, ("limit", "4"), **ANALYTICS)
    rows = [row for page in pages for row in page["data"]]
    assert len(pages) > 2
    assert sum(row["usage"]["output_tokens"] for row in rows) == tokens(await caller.pages(MESSAGES, *WEEK))
    assert all(row["usage"]["requests"] for row in rows)


async def test_records_of_claude_code_come_in_pages_of_records(caller: Caller) -> None:
    day = ("starting_at", "2026-11-10")
    (whole,) = await caller.pages(CODE, day)
    pages = await caller.pages(CODE, day, ("limit", "2"))
    assert [record for page in pages for record in page["data"]] == whole["data"]
    assert len(pages) > 1


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        (MESSAGES, []),
        (MESSAGES, [("starting_at", "yesterday")]),
        (MESSAGES, [("starting_at", "2026-11-02T00:00:00")]),
        (MESSAGES, [*WEEK, ("limit", "32")]),
        (MESSAGES, [*WEEK, ("limit", "0")]),
        (MESSAGES, [*WEEK, ("bucket_width", "1w")]),
        (MESSAGES, [*WEEK, ("group_by", "model")]),
        (MESSAGES, [*WEEK, ("group_by[]", "colour")]),
        (MESSAGES, [*WEEK, ("group_by[]", "speed")]),
        (MESSAGES, [*WEEK, ("service_tiers[]", "gold")]),
        (MESSAGES, [*WEEK, ("page", "page_bm93aGVyZQ==")]),
        (MESSAGES, [*WEEK, ("page", "7")]),
        (MESSAGES, [WEEK[1], ("starting_at", "2026-11-09T00:00:00Z")]),
        (COSTS, [*WEEK, ("bucket_width", "1h")]),
        (COSTS, [*WEEK, ("group_by[]", "model")]),
        (CODE, [("starting_at", "2026-11-02T00:00:00Z")]),
        (CODE, [("starting_at", "2026-11-02"), ("ending_at", "2026-11-03")]),
        (CODE, [("starting_at", "2026-11-02"), ("limit", "1001")]),
        ("analytics/usage", WEEK),
    ],
)
async def test_a_parameter_the_reference_does_not_know_is_refused(caller: Caller, path: str, asked: Any) -> None:
    assert await caller.refusal(path, *asked) == BAD


@pytest.mark.parametrize(
    "asked",
    [
        [WEEK[0], ("time_bucket_width", "1d")],
        [("starting_at", "2025-12-31T00:00:00Z"), ("ending_at", "2026-01-02T00:00:00Z")],
        [("starting_at", "2026-10-01T00:00:00Z"), ("ending_at", "2026-11-02T00:00:01Z")],
        [*WEEK, *(("group_by[]", name) for name in ("model", "speed", "actor", "product", "agent_id", "session_id"))],
    ],
)
async def test_analytics_have_bounds_of_their_own(caller: Caller, asked: Any) -> None:
    assert await caller.refusal("analytics/usage", *asked, **ANALYTICS) == BAD


async def test_a_version_is_asked_for(caller: Caller) -> None:
    assert await caller.refusal(MESSAGES, *WEEK, anthropic_version="1999-01-01") == BAD


async def test_speed_is_grouped_by_with_its_beta(caller: Caller) -> None:
    beta = {"anthropic_beta": "other-beta, fast-mode-2026-02-01"}
    page = await caller.page(MESSAGES, *WEEK, ("group_by[]", "speed"), **beta)
    assert {row["speed"] for bucket in page["data"] for row in bucket["results"]} == {"standard"}


async def test_faults_of_every_kind_are_used_up(start: Start) -> None:
    rules = [
        {"kind": "status", "status": 529, "retry_after": 7},
        {"kind": "missing_bucket", "endpoint": "messages"},
        {"kind": "negative_count", "endpoint": "messages"},
        {"kind": "repeated_cursor", "endpoint": "messages"},
        {"kind": "lost_cursor", "endpoint": "messages"},
    ]
    caller = await start(faults=rules)
    overloaded = await caller.get(MESSAGES, *WEEK)
    assert (overloaded.status, overloaded.headers["Retry-After"]) == (529, "7")
    assert len((await caller.page(MESSAGES, *WEEK))["data"]) == 6
    negative = await caller.page(MESSAGES, *WEEK)
    assert min(row["output_tokens"] for bucket in negative["data"] for row in bucket["results"]) == -1
    first = await caller.page(MESSAGES, *WEEK)
    assert await caller.page(MESSAGES, *WEEK, ("page", first["next_page"])) == first | {"next_page": None}
    assert len(starts(await caller.pages(MESSAGES, *WEEK))) == 7


async def test_rules_are_switched_while_it_runs_and_wrong_ones_are_refused(caller: Caller) -> None:
    posted = [{"kind": "status", "endpoint": "claude_code", "status": 500, "times": None}]
    assert (await caller.client.post("/_faults", json=posted)).status == 200
    assert (await caller.get(CODE, ("starting_at", "2026-11-10"))).status == 500
    for wrong in ([{"kind": "plague"}], [{"kind": "status", "endpoint": "completions"}]):
        assert (await caller.client.post("/_faults", json=wrong)).status == 400


async def test_requests_are_counted_and_shown_without_the_key(caller: Caller) -> None:
    await caller.page(MESSAGES, *WEEK, ("models[]", KEY))
    report = await (await caller.client.get("/_requests")).text()
    assert '"/v1/organizations/usage_report/messages": 1' in report
    assert '"anthropic-version": "2023-06-01"' in report
    assert KEY not in report
