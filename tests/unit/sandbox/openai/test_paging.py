"""Buckets and pages: every interval once, clipped to the window, behind cursors that know their query."""

from __future__ import annotations

import base64
from itertools import pairwise

import pytest

from tests.fakes.openai_caller import NOON, Caller, midnight

DAY = 86_400
WINDOW = {"start_time": midnight("2026-10-01"), "end_time": midnight("2026-11-01")}


async def test_every_day_comes_once_whatever_the_page_size(caller: Caller) -> None:
    pages = await caller.pages("usage/completions", **WINDOW, limit=4)
    starts = [bucket["start_time"] for page in pages for bucket in page["data"]]
    assert starts == list(range(WINDOW["start_time"], WINDOW["end_time"], DAY))
    assert [len(page["data"]) for page in pages] == [4] * 7 + [3]


async def test_the_last_page_has_no_cursor(caller: Caller) -> None:
    pages = await caller.pages("usage/completions", **WINDOW, limit=16)
    assert [page["has_more"] for page in pages] == [True, False]
    assert pages[0]["next_page"].startswith("page_")
    assert pages[1]["next_page"] is None


async def test_a_cursor_is_twenty_bytes_as_the_published_one(caller: Caller) -> None:
    cursor = (await caller.page("usage/completions", **WINDOW))["next_page"]
    assert len(base64.b64decode(cursor.removeprefix("page_"))) == 20


async def test_an_empty_day_is_a_bucket_without_results(caller: Caller) -> None:
    window = {"start_time": midnight("2026-11-07"), "end_time": midnight("2026-11-12")}
    page = await caller.page("usage/completions", **window)
    assert [len(bucket["results"]) for bucket in page["data"]] == [1, 1, 0, 1, 1]


async def test_the_first_and_last_bucket_are_clipped_to_the_window(caller: Caller) -> None:
    start, end = midnight("2026-11-02") + 3_600, midnight("2026-11-04") + 60
    page = await caller.page("usage/completions", start_time=start, end_time=end)
    spans = [(bucket["start_time"], bucket["end_time"]) for bucket in page["data"]]
    edges = [start, midnight("2026-11-03"), midnight("2026-11-04"), end]
    assert spans == list(pairwise(edges))


async def test_a_clipped_bucket_counts_only_its_part_of_the_day(caller: Caller) -> None:
    day, noon = midnight("2026-11-03"), midnight("2026-11-03") + DAY // 2
    halves = [{"start_time": day, "end_time": noon}, {"start_time": noon, "end_time": day + DAY}]
    parts = [sum(row["input_tokens"] for row in await caller.rows("usage/completions", **half)) for half in halves]
    whole = await caller.rows("usage/completions", start_time=day, end_time=day + DAY)
    assert all(parts)
    assert sum(parts) == whole[0]["input_tokens"]


@pytest.mark.parametrize(("width", "seconds", "limit"), [("1h", 3_600, 24), ("1m", 60, 1_440)])
async def test_narrow_buckets_add_up_to_the_day(caller: Caller, width: str, seconds: int, limit: int) -> None:
    window = {"start_time": midnight("2026-11-03"), "end_time": midnight("2026-11-04")}
    narrow = await caller.pages("usage/completions", **window, bucket_width=width, limit=limit)
    buckets = [bucket for page in narrow for bucket in page["data"]]
    assert len(buckets) == DAY // seconds
    tokens = sum(row["output_tokens"] for bucket in buckets for row in bucket["results"])
    assert tokens == (await caller.rows("usage/completions", **window))[0]["output_tokens"]


@pytest.mark.parametrize(
    ("path", "width", "expected"),
    [("usage/images", "1d", 7), ("usage/images", "1h", 24), ("usage/images", "1m", 60), ("costs", "1d", 7)],
)
async def test_a_page_without_a_limit_has_the_default_number_of_buckets(
    caller: Caller, path: str, width: str, expected: int
) -> None:
    page = await caller.page(path, **WINDOW, bucket_width=width)
    assert len(page["data"]) == expected


async def test_without_an_end_the_window_ends_now_on_every_page(caller: Caller) -> None:
    pages = await caller.pages("usage/completions", start_time=midnight("2026-11-01"), limit=8)
    assert pages[-1]["data"][-1]["end_time"] == NOON


async def test_days_to_come_are_empty_buckets(caller: Caller) -> None:
    window = {"start_time": midnight("2026-11-21"), "end_time": midnight("2026-11-24")}
    page = await caller.page("usage/completions", **window)
    assert [bucket["results"] for bucket in page["data"]] == [[], [], []]


@pytest.mark.parametrize(
    "changed", [{"limit": 5}, {"group_by": "project_id"}, {"end_time": midnight("2026-11-02")}, {"models": "gpt-4o"}]
)
async def test_a_cursor_of_another_query_is_refused(caller: Caller, changed: dict[str, int | str]) -> None:
    cursor = (await caller.page("usage/completions", **WINDOW))["next_page"]
    refusal = await caller.refusal("usage/completions", **{**WINDOW, **changed}, page=cursor)
    assert refusal == (400, "page", "invalid_value")


async def test_a_cursor_of_another_endpoint_is_refused(caller: Caller) -> None:
    cursor = (await caller.page("usage/completions", **WINDOW))["next_page"]
    assert (await caller.refusal("usage/embeddings", **WINDOW, page=cursor))[0] == 400


@pytest.mark.parametrize("cursor", ["", "page_", "page_!!!!", "2", "page_AAAAAGdGxdEiJdKOAAAAAGcqsYA="])
async def test_a_forged_cursor_is_refused(caller: Caller, cursor: str) -> None:
    assert await caller.refusal("costs", **WINDOW, page=cursor) == (400, "page", "invalid_value")


async def test_a_cursor_holds_however_arrays_are_written(caller: Caller) -> None:
    first = await caller.page("usage/completions", **WINDOW, group_by="model,project_id")
    wide = [*WINDOW.items(), ("group_by[]", "model"), ("group_by[]", "project_id"), ("page", first["next_page"])]
    headers = {"Authorization": "Bearer sk-admin-canary-7f3a"}
    second = await caller.client.get("/v1/organization/usage/completions", params=wide, headers=headers)
    assert second.status == 200
