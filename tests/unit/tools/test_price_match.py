"""The price table's patterns pick the model the library picks, on the regular expressions BigQuery uses (RE2)."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from genai_prices import types
from genai_prices.data import providers
from hypothesis import given
from hypothesis import strategies as st

from tools import prices
from tools.price_match import UnsupportedClauseError, model_pattern

MATCH = "INSERT INTO matched SELECT name, $model_id, $match_rank FROM names WHERE regexp_matches(name, $model_match)"
PICK = """
SELECT name, model_id
FROM names
LEFT JOIN matched USING (name)
QUALIFY ROW_NUMBER() OVER (PARTITION BY name ORDER BY match_rank) = 1
"""
SUFFIXES = ("", "-2026-03-05", "-20260305", "-latest", ":acme::A1b2C3", "-2024-07-18:acme::A1b2", "x", "-mini", "\n")
MORE = (
    "ft:gpt-4o-mini-2024-07-18:acme::A1b2C3",
    "ft:gpt-4o-2024-08-06:acme:tag:A1b2C3",
    "ft:gpt-4o-20240806:acme::A1b2C3",
    "ft:gpt-4o-mini-20240718",
    "ft:gpt-3.5-turbo-0125:acme::x",
    "ft:gpt-4-0613:acme::x",
    "ft:gpt-4.1-2025-04-14:acme::x",
    "GPT-4o-Mini",
    "gpt-4o-mini-20240718",
    "gpt-5.2-20251211",
    "gpt-6-sol-20261102",
    "gpt-6-sol-2026-11-02",
    "gpt-5-nano-20250807",
    "omni-moderation-2024-09-26",
    "text-moderation",
    "dall-e-3",
    "gpt-nova-preview",
    "claude-haiku-4-5-20251001",
    "",
)


def clause_texts(clause: types.MatchLogic) -> Iterator[str]:
    if isinstance(clause, types.ClauseOr):
        for each in clause.or_:
            yield from clause_texts(each)
    elif not isinstance(clause, types.ClauseRegex):
        yield next(iter(vars(clause).values()))


def snapshot(name: str) -> types.Provider:
    return next(provider for provider in providers if provider.id == name)


def names_for(provider: types.Provider) -> list[str]:
    known = {model.id for model in provider.models}
    known |= {text for model in provider.models for text in clause_texts(model.match)}
    compact = {text.replace(f"-{y}-{m}-", f"-{y}{m}") for text in known for y in (2024, 2025, 2026) for m in MONTHS}
    return sorted({name + suffix for name in known | compact for suffix in SUFFIXES} | set(MORE))


MONTHS = [f"{month:02d}" for month in range(1, 13)]


@pytest.mark.parametrize("name", prices.PROVIDERS)
def test_the_lowest_rank_that_matches_is_the_model_the_library_finds(name: str) -> None:
    provider = snapshot(name)
    names = names_for(provider)
    expected = {each: (found.id if (found := provider.find_model(each)) else None) for each in names}
    assert len(names) > 500
    assert pick(name, names) == expected


def pick(provider: str, names: list[str]) -> dict[str, str | None]:
    """Answer as a warehouse would, in DuckDB, whose regular expressions are RE2 as BigQuery's are."""
    rows = {(row.model_id, row.model_match, row.match_rank) for row in prices.list_prices() if row.provider == provider}
    with duckdb.connect() as database:
        database.execute("CREATE TABLE names AS SELECT unnest(?::VARCHAR[]) AS name", [names])
        database.execute("CREATE TABLE matched (name VARCHAR, model_id VARCHAR, match_rank INTEGER)")
        for model_id, model_match, rank in rows:
            found = {"model_id": model_id, "model_match": model_match, "match_rank": rank}
            database.execute(MATCH, found)
        return dict(database.execute(PICK).fetchall())


def test_every_model_with_a_price_has_one_pattern_and_one_rank() -> None:
    seen: dict[tuple[str, str], set[tuple[str, int]]] = {}
    for row in prices.list_prices():
        seen.setdefault((row.provider, row.model_id), set()).add((row.model_match, row.match_rank))
    assert all(len(patterns) == 1 for patterns in seen.values())


@given(st.text(alphabet="ab.-x0", max_size=6), st.text(alphabet="ab.-x0", max_size=8))
def test_a_pattern_answers_as_its_clause(text: str, name: str) -> None:
    for clause in (
        types.ClauseEquals(text),
        types.ClauseStartsWith(text),
        types.ClauseEndsWith(text),
        types.ClauseContains(text),
    ):
        assert bool(duckdb_matches(model_pattern(clause), name)) == clause.is_match(name)


def duckdb_matches(pattern: str, name: str) -> bool:
    found = duckdb.execute("SELECT regexp_matches(?, ?)", [name, pattern]).fetchone()
    assert found is not None
    return bool(found[0])


def test_an_unanchored_expression_matches_anywhere() -> None:
    pattern = model_pattern(types.ClauseRegex(r"b\d"))
    assert duckdb_matches(pattern, "ab1c")
    assert not duckdb_matches(pattern, "abc")


def test_a_conjunction_is_refused_instead_of_guessed() -> None:
    with pytest.raises(UnsupportedClauseError, match="ClauseAnd"):
        model_pattern(types.ClauseAnd([types.ClauseContains("a"), types.ClauseContains("b")]))
