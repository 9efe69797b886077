from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.rows_of import declared, misfits
from workers.model.openai_usage import DIMENSIONS, ENDPOINTS, TOKENS, Endpoint, breaks_identity, row_of, summed

EXAMPLES = Path(__file__).parents[2] / "fixtures" / "openai" / "examples"
USAGE = declared("openai/cost/schemas/openai_usage_daily_raw.json")
BY_NAME = {endpoint.name: endpoint for endpoint in ENDPOINTS}
COMPLETIONS = BY_NAME["completions"]
MEASURES = (*TOKENS, "requests", "quantity")

counts = st.none() | st.integers(0, 10**12)
names = st.none() | st.sampled_from(["a", "b"])
extras = st.dictionaries(st.sampled_from(["newer", "size", "odd"]), st.integers(0, 9) | st.text("xy", max_size=2))


@st.composite
def results(draw: st.DrawFn, endpoint: Endpoint = COMPLETIONS) -> dict[str, Any]:
    dimensions: dict[str, Any] = {name: draw(names) for name in DIMENSIONS if name != "batch"}
    dimensions["batch"] = draw(st.none() | st.booleans())
    counted = {endpoint.counted: draw(counts)} if endpoint.counted else {}
    tokens = {name: draw(counts) for name in TOKENS}
    return dimensions | tokens | counted | {"num_model_requests": draw(counts)} | draw(extras)


def example(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text())
    return found


def published() -> list[tuple[Endpoint, dict[str, Any]]]:
    """Every result of every published page, with its endpoint."""
    pages = {name: example(f"usage_{name}_response") for name in BY_NAME}
    return [
        (BY_NAME[name], one) for name, page in pages.items() for bucket in page["data"] for one in bucket["results"]
    ]


def canonical(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True, default=str) for row in rows)


@pytest.mark.parametrize(("endpoint", "result"), published(), ids=lambda one: getattr(one, "name", ""))
def test_every_published_result_is_a_row_of_the_table(endpoint: Endpoint, result: dict[str, Any]) -> None:
    row = row_of(endpoint, result)
    given_by_the_step = {"org_slug is REQUIRED", "provider is REQUIRED", "usage_date is REQUIRED"}
    assert set(misfits(USAGE, row)) == given_by_the_step | {"fetched_at is REQUIRED"}
    assert not breaks_identity(result)


@pytest.mark.parametrize(("endpoint", "result"), published(), ids=lambda one: getattr(one, "name", ""))
def test_nothing_a_published_result_counts_is_lost(endpoint: Endpoint, result: dict[str, Any]) -> None:
    row = row_of(endpoint, result)
    numbers = Counter(value for value in result.values() if isinstance(value, int) and not isinstance(value, bool))
    kept = Counter(int(row[name]) for name in MEASURES if row[name] is not None)
    kept += Counter(value for value in row["raw"].values() if isinstance(value, int))
    assert numbers <= kept


@pytest.mark.parametrize("name", ["object_UsageCompletionsResult", "live_completions_result_1m_2025-10"])
def test_the_identities_hold_for_what_was_published_and_seen_live(name: str) -> None:
    assert not breaks_identity(example(name))


@pytest.mark.parametrize(
    "whole", ["input_tokens", "input_uncached_tokens", "input_cached_tokens", "output_tokens", "input_text_tokens"]
)
def test_a_whole_that_is_not_the_sum_of_its_parts_is_noticed(whole: str) -> None:
    result = example("object_UsageCompletionsResult")
    assert breaks_identity(result | {whole: result[whole] + 1})


def test_the_older_reading_has_no_identity_to_break() -> None:
    assert not breaks_identity({"input_tokens": 10, "input_cached_tokens": 99, "input_audio_tokens": 50})


_WHOLES = {
    "input_tokens": ["input_uncached_tokens"],
    "input_uncached_tokens": ["input_text_tokens", "input_audio_tokens", "input_image_tokens"],
    "input_cached_tokens": ["input_cached_text_tokens", "input_cached_audio_tokens", "input_cached_image_tokens"],
    "output_tokens": ["output_text_tokens", "output_audio_tokens", "output_image_tokens"],
}


@pytest.mark.parametrize("whole", _WHOLES)
def test_each_whole_is_judged_by_its_own_parts_alone(whole: str) -> None:
    parts = dict.fromkeys(_WHOLES[whole], 1)
    assert not breaks_identity(parts)
    assert not breaks_identity(parts | {whole: len(parts)})
    assert breaks_identity(parts | {whole: len(parts) + 1})


@pytest.mark.parametrize(("whole", "part"), [(whole, part) for whole, parts in _WHOLES.items() for part in parts])
def test_a_whole_is_not_judged_without_one_of_its_parts(whole: str, part: str) -> None:
    rest = {name: 1 for name in _WHOLES[whole] if name != part}
    assert not breaks_identity(rest | {whole: 1000})
    assert not breaks_identity(rest | {whole: 1000, part: None})


@pytest.mark.parametrize("name", ["num_requests", "input_tokens", "images"])
def test_a_count_below_zero_is_noticed(name: str) -> None:
    assert breaks_identity({name: -1})


@given(st.lists(results(), max_size=12), st.randoms())
def test_summing_does_not_depend_on_the_order(found: list[dict[str, Any]], chance: Random) -> None:
    rows = [row_of(COMPLETIONS, result) for result in found]
    shuffled = list(rows)
    chance.shuffle(shuffled)
    assert canonical([*summed(rows)]) == canonical([*summed(shuffled)])


@given(st.sampled_from(ENDPOINTS).flatmap(lambda one: st.tuples(st.just(one), st.lists(results(one), max_size=12))))
def test_summing_loses_no_count_and_leaves_each_key_once(drawn: tuple[Endpoint, list[dict[str, Any]]]) -> None:
    endpoint, found = drawn
    rows = [row_of(endpoint, result) for result in found]
    sums = [*summed(rows)]
    for name in MEASURES:
        assert sum(row[name] or 0 for row in sums) == sum(row[name] or 0 for row in rows)
    keys = [tuple(row[name] for name in DIMENSIONS) for row in sums]
    assert len(set(keys)) == len(keys)
    assert set(keys) == {tuple(row[name] for name in DIMENSIONS) for row in rows}


def test_what_no_piece_counts_stays_unknown() -> None:
    rows = [row_of(COMPLETIONS, {"input_tokens": number}) for number in (1, 2)]
    (row,) = summed(rows)
    assert (row["input_tokens"], row["output_tokens"]) == (3, None)


def test_unknown_fields_of_pieces_add_up_or_are_listed() -> None:
    pieces = [{"newer": 1, "size": "512x512", "same": "x"}, {"newer": 2, "size": "1024x1024", "same": "x"}]
    (row,) = summed([row_of(COMPLETIONS, piece) for piece in pieces])
    assert row["raw"] == {"newer": 3, "size": ["1024x1024", "512x512"], "same": "x"}


def test_unknown_fields_are_kept_and_known_ones_are_not_repeated() -> None:
    result = {"object": "x", "input_tokens": 1, "model": "m", "api_source": "agents_api", "nothing": None}
    assert row_of(COMPLETIONS, result)["raw"] == {"api_source": "agents_api"}


@pytest.mark.parametrize("value", ["5", 1.5, True, [], {}, Decimal("1.5"), 10**30, Decimal("1e999999")])
def test_what_is_no_count_is_refused_by_its_name(value: object) -> None:
    with pytest.raises(ValueError, match="output_tokens is not a whole number that can be kept"):
        row_of(COMPLETIONS, {"output_tokens": value})


@pytest.mark.parametrize(("name", "value"), [("model", 5), ("batch", "true"), ("project_id", ["p"])])
def test_what_is_no_dimension_is_refused_by_its_name(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{name} is"):
        row_of(COMPLETIONS, {name: value})


def test_a_count_with_an_empty_fraction_is_whole() -> None:
    assert row_of(COMPLETIONS, {"output_tokens": Decimal("5.0")})["output_tokens"] == 5


@pytest.mark.parametrize("odd", ["x", [1], {"a": 1}, Decimal("1.5"), Decimal("1e999999")])
def test_odd_parts_are_a_broken_identity_and_no_fault(odd: object) -> None:
    result = example("object_UsageCompletionsResult")
    assert breaks_identity(result | {"input_text_tokens": odd})
