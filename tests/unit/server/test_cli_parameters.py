"""Words of the command line as names and values."""

from __future__ import annotations

from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.cli_parameters import Target, parameters, target


@pytest.mark.parametrize(
    ("path", "org", "named"),
    [
        ("openai/cost/usage_cost", "acme", Target("acme", "openai", "cost", "usage_cost")),
        ("anthropic/usage_cost", "acme", Target("acme", "anthropic", "", "usage_cost")),
        ("anthropic//usage_cost", "acme", Target("acme", "anthropic", "", "usage_cost")),
        ("anthropic/-/usage_cost", "acme", Target("acme", "anthropic", "-", "usage_cost")),
        ("acme/openai/cost/usage_cost", None, Target("acme", "openai", "cost", "usage_cost")),
        ("acme/openai/cost/usage_cost", "acme", Target("acme", "openai", "cost", "usage_cost")),
    ],
)
def test_a_path_names_a_pipeline(path: str, org: str | None, named: Target) -> None:
    assert target(path, org) == named


@pytest.mark.parametrize("path", ["", "usage_cost", "/usage_cost", "openai/", "a/b/c/d/e", "openai/cost/"])
def test_another_path_is_a_usage_error(path: str) -> None:
    with pytest.raises(click.UsageError):
        target(path, "acme")


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("x=2026-11-01", "2026-11-01"),
        ("x=true", "true"),
        ("x=3", "3"),
        ("x=", ""),
        ("x=a=b", "a=b"),
        ("x:=3", 3),
        ("x:=1.5", 1.5),
        ("x:=true", True),
        ("x:=null", None),
        ('x:="3"', "3"),
        ("x:=[1, 2]", [1, 2]),
        ('x:={"a": 1}', {"a": 1}),
    ],
)
def test_a_colon_makes_text_json(word: str, value: Any) -> None:
    assert parameters([word]) == {"x": value}


@pytest.mark.parametrize("word", ["x", "", "=1", ":=1", "x:=", "x:=yes", "x:=NaN", "x:=-Infinity", "x:=01"])
def test_anything_else_is_a_usage_error(word: str) -> None:
    with pytest.raises(click.UsageError):
        parameters([word])


def test_a_very_deep_value_is_a_usage_error() -> None:
    with pytest.raises(click.UsageError, match="is not JSON"):
        parameters(["x:=" + "[" * 100_000])


@given(name=st.text(min_size=1).filter(lambda name: "=" not in name and not name.endswith(":")), text=st.text())
def test_text_stays_as_it_was_typed(name: str, text: str) -> None:
    assert parameters([f"{name}={text}"]) == {name: text}
