"""The simulator's answers and the published examples have one shape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.openai.endpoints import ENDPOINTS, Endpoint
from tests.fakes.json_shape import shape_errors
from tests.fakes.openai_caller import Caller, Start, midnight

FIXTURES = Path(__file__).parents[3] / "fixtures/openai"
EXAMPLES = sorted((FIXTURES / "examples").glob("*.json"))
SCHEMAS = json.loads((FIXTURES / "response_schemas.json").read_text(encoding="utf-8"))
NAMED = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: str(endpoint.name))


def example(name: str) -> Any:
    return json.loads((FIXTURES / "examples" / f"{name}.json").read_text(encoding="utf-8"))


def schema_of(path: Path) -> str:
    name = path.stem
    if name.startswith("error"):
        return "ErrorResponse"
    if name.startswith("object_"):
        return name.removeprefix("object_")
    return "UsageCompletionsResult" if name.startswith("live_completions") else "UsageResponse"


@pytest.mark.parametrize(
    "path", [path for path in EXAMPLES if "amount_string" not in path.stem], ids=lambda path: path.stem
)
def test_a_published_example_has_the_published_shape(path: Path) -> None:
    assert shape_errors(SCHEMAS, schema_of(path), json.loads(path.read_text(encoding="utf-8"))) == []


@NAMED
async def test_an_ungrouped_answer_has_the_published_shape(caller: Caller, endpoint: Endpoint) -> None:
    page = await caller.page(endpoint.path, start_time=midnight("2026-11-02"), end_time=midnight("2026-11-09"))
    assert shape_errors(SCHEMAS, "UsageResponse", page) == []
    assert any(bucket["results"] for bucket in page["data"])


@NAMED
async def test_a_grouped_answer_has_the_published_shape(caller: Caller, endpoint: Endpoint) -> None:
    window = {"start_time": midnight("2026-11-02"), "end_time": midnight("2026-11-09")}
    page = await caller.page(endpoint.path, **window, group_by=",".join(endpoint.dimensions))
    assert shape_errors(SCHEMAS, "UsageResponse", page) == []
    rows = [row for bucket in page["data"] for row in bucket["results"]]
    assert {name for row in rows for name in endpoint.dimensions if row[name] is not None} == set(endpoint.dimensions)


@NAMED
async def test_an_answer_has_every_field_of_the_published_example(caller: Caller, endpoint: Endpoint) -> None:
    published = example(f"{endpoint.path.replace('/', '_')}_response")["data"][0]["results"][0]
    rows = await caller.rows(endpoint.path, start_time=midnight("2026-11-02"), end_time=midnight("2026-11-09"))
    for row in rows:
        assert published.keys() <= row.keys()
        assert all(row[name] is None for name, value in published.items() if value is None)


async def test_the_errors_are_the_published_ones_but_for_their_wording(start: Start) -> None:
    caller = await start(faults=[{"kind": "status", "status": 429}])
    window: dict[str, Any] = {"start_time": midnight("2026-11-02")}
    answers = {
        "error_401": await caller.get("costs", key="sk-admin-other", **window),
        "error_403_missing_scope": await caller.get("costs", key="sk-proj-other", **window),
        "error_429": await caller.get("costs", **window),
    }
    for name, answer in answers.items():
        error, published = (await answer.json())["error"], example(name)["error"]
        assert shape_errors(SCHEMAS, "ErrorResponse", {"error": error}) == []
        assert {**error, "message": ""} == {**published, "message": ""}


def test_the_checker_sees_what_is_missing_or_of_another_type() -> None:
    page = example("usage_completions_response")
    page["data"][0]["results"][0]["input_tokens"] = "many"
    del page["has_more"]
    errors = shape_errors(SCHEMAS, "UsageResponse", page)
    assert errors == ["$: has_more is missing", "$.data[0].results[0].input_tokens: 'many' is not integer"]
