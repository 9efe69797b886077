"""What may be asked, and what a wrong question gets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.openai_caller import KEY, Caller, midnight

WINDOW = {"start_time": midnight("2026-11-02"), "end_time": midnight("2026-11-09")}
WINDOW_PAIRS = [(name, str(value)) for name, value in WINDOW.items()]
HEADERS = {"Authorization": f"Bearer {KEY}"}
ENCODINGS = [
    [("group_by", "model"), ("group_by", "batch")],
    [("group_by[]", "model"), ("group_by[]", "batch")],
    [("group_by", "model,batch")],
]


@pytest.mark.parametrize("encoding", ENCODINGS[1:])
async def test_all_array_encodings_mean_the_same(caller: Caller, encoding: list[tuple[str, str]]) -> None:
    answers = [
        await caller.client.get("/v1/organization/usage/completions", params=[*WINDOW_PAIRS, *each], headers=HEADERS)
        for each in (ENCODINGS[0], encoding)
    ]
    pages = [await answer.json() for answer in answers]
    assert pages[0]["data"] == pages[1]["data"]
    assert any(row["model"] for bucket in pages[0]["data"] for row in bucket["results"])


@pytest.mark.parametrize(
    ("path", "parameters", "refusal"),
    [
        ("costs", {}, ("start_time", "missing_required_parameter")),
        ("costs", {"start_time": "yesterday"}, ("start_time", "invalid_type")),
        ("costs", {"start_time": "-5"}, ("start_time", "invalid_type")),
        ("costs", {**WINDOW, "end_time": WINDOW["start_time"]}, ("end_time", "invalid_value")),
        ("costs", {**WINDOW, "bucket_width": "1h"}, ("bucket_width", "invalid_value")),
        ("costs", {**WINDOW, "limit": 181}, ("limit", "integer_above_max_value")),
        ("costs", {**WINDOW, "limit": 0}, ("limit", "integer_below_min_value")),
        ("costs", {**WINDOW, "group_by": "model"}, ("group_by", "invalid_value")),
        ("costs", {**WINDOW, "models": "gpt-4o"}, ("models", "unknown_parameter")),
        ("costs", {**WINDOW, "colour": "red"}, ("colour", "unknown_parameter")),
        ("usage/completions", {**WINDOW, "limit": 32}, ("limit", "integer_above_max_value")),
        ("usage/completions", {**WINDOW, "bucket_width": "1h", "limit": 169}, ("limit", "integer_above_max_value")),
        ("usage/completions", {**WINDOW, "bucket_width": "1m", "limit": 1441}, ("limit", "integer_above_max_value")),
        ("usage/completions", {**WINDOW, "bucket_width": "1w"}, ("bucket_width", "invalid_value")),
        ("usage/completions", {**WINDOW, "batch": "maybe"}, ("batch", "invalid_value")),
        ("usage/embeddings", {**WINDOW, "batch": "true"}, ("batch", "unknown_parameter")),
        ("usage/vector_stores", {**WINDOW, "group_by": "model"}, ("group_by", "invalid_value")),
        ("usage/images", {**WINDOW, "sizes": "9x9"}, ("sizes", "invalid_value")),
        ("usage/web_search_calls", {**WINDOW, "context_levels": "extreme"}, ("context_levels", "invalid_value")),
    ],
)
async def test_a_wrong_question_is_refused_naming_the_parameter(
    caller: Caller, path: str, parameters: dict[str, Any], refusal: tuple[str, str]
) -> None:
    assert await caller.refusal(path, **parameters) == (400, *refusal)


async def test_a_scalar_given_twice_is_refused(caller: Caller) -> None:
    twice = [*WINDOW_PAIRS, ("limit", "3"), ("limit", "4")]
    answer = await caller.client.get("/v1/organization/costs", params=twice, headers=HEADERS)
    assert (answer.status, (await answer.json())["error"]["param"]) == (400, "limit")


async def test_the_largest_limits_are_allowed(caller: Caller) -> None:
    for path, width, limit in (("costs", "1d", 180), ("usage/images", "1d", 31), ("usage/images", "1m", 1440)):
        page = await caller.page(path, start_time=midnight("2026-01-01"), bucket_width=width, limit=limit)
        assert len(page["data"]) == limit


@pytest.mark.parametrize(
    ("parameter", "value", "dimension", "kept"),
    [
        ("project_ids", "proj_support", "project_id", "proj_support"),
        ("user_ids", "user-ada", "user_id", "user-ada"),
        ("api_key_ids", "key_sUpP0rT4", "api_key_id", "key_sUpP0rT4"),
        ("models", "gpt-nova-preview", "model", "gpt-nova-preview"),
        ("batch", "true", "batch", True),
        ("batch", "false", "batch", False),
    ],
)
async def test_a_filter_keeps_what_it_names_and_nothing_else(
    caller: Caller, parameter: str, value: str, dimension: str, kept: object
) -> None:
    rows = await caller.rows("usage/completions", **WINDOW, group_by=dimension)
    filtered = await caller.rows("usage/completions", **WINDOW, group_by=dimension, **{parameter: value})
    assert {row[dimension] for row in filtered} == {kept} < {row[dimension] for row in rows}
    total = sum(row["input_tokens"] for row in rows if row[dimension] == kept)
    assert sum(row["input_tokens"] for row in filtered) == total


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        (None, 401, None),
        ("sk-admin-wrong", 401, "invalid_api_key"),
        ("nonsense", 401, "invalid_api_key"),
        ("sk-proj-abc", 403, None),
        ("sk-svcacct-abc", 403, None),
    ],
)
async def test_only_the_admin_key_opens(caller: Caller, key: str | None, status: int, code: str | None) -> None:
    assert await caller.refusal("costs", key=key, **WINDOW) == (status, None, code)


async def test_a_project_key_is_told_which_scope_it_lacks(caller: Caller) -> None:
    answer = await caller.get("costs", key="sk-proj-abc", **WINDOW)
    assert "Missing scopes: api.usage.read." in (await answer.json())["error"]["message"]


async def test_a_wrong_key_is_not_repeated(caller: Caller) -> None:
    answer = await caller.get("costs", key="sk-admin-do-not-show", **WINDOW)
    assert "do-not-show" not in await answer.text()


@pytest.mark.parametrize(("method", "status"), [("get", 404), ("post", 404)])
async def test_an_unknown_address_has_the_same_error_body(caller: Caller, method: str, status: int) -> None:
    answer = await caller.client.request(method, "/v1/organization/usage/dreams", headers=HEADERS)
    assert (answer.status, set((await answer.json())["error"])) == (status, {"message", "type", "param", "code"})


async def test_listings_are_read_only(caller: Caller) -> None:
    assert (await caller.client.post("/v1/organization/costs", headers=HEADERS)).status == 405
