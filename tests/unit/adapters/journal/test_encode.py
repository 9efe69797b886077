from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.adapters.journal.encode import placed, to_array, to_json, to_text
from workers.adapters.journal.statements import Migration, migrations, statements

ANY_TEXT = st.text(st.characters(exclude_categories=[]))
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | ANY_TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner),
    max_leaves=8,
)


def has_forbidden(value: Any) -> bool:
    text = json.dumps(value, ensure_ascii=False)
    return "\\u0000" in text.replace("\\\\", "") or any(0xD800 <= ord(mark) <= 0xDFFF for mark in text)


@given(ANY_JSON)
def test_what_is_encoded_holds_nothing_that_postgres_refuses(value: Any) -> None:
    assert not has_forbidden(json.loads(to_json(value)))


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), st.integers()))
def test_clean_values_are_kept(value: dict[str, int]) -> None:
    assert json.loads(to_json(value)) == value


@given(ANY_TEXT)
def test_clean_text_holds_nothing_that_postgres_refuses(text: str) -> None:
    assert "\0" not in to_text(text)
    to_text(text).encode()


def test_emoji_are_kept() -> None:
    assert json.loads(to_json({"text": "a 🐙"})) == {"text": "a 🐙"}


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        to_json({"cost": float("nan")})


def test_a_place_is_put_into_an_encoded_object() -> None:
    assert json.loads(to_array([placed(7, to_json({"a": 1}))])) == [{"ord": 7, "a": 1}]


def test_statements_are_found_by_name() -> None:
    assert statements()["claim"].startswith("SELECT * FROM claim(")


def test_migrations_are_numbered_without_gaps() -> None:
    assert [step.version for step in migrations()] == list(range(1, len(migrations()) + 1))


def test_a_checksum_follows_the_text() -> None:
    assert Migration(1, "a").checksum == Migration(2, "a").checksum != Migration(1, "b").checksum
