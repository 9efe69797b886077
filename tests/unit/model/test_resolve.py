from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.model.pipeline import Parameter, Pipeline
from workers.model.resolve import ResolveError, dotted, placeholders, resolve, run_variables, whole
from workers.model.window import DateWindow

VARIABLES: Mapping[str, Any] = {"org": "acme", "pages": 5, "share": 0.5, "full": True, "none": None, "tags": ["a", "b"]}
BRACE_FREE = st.text(st.characters(blacklist_characters="{}"), max_size=20)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("", ""),
        ("$", "$"),
        ("{org}", "acme"),
        ("${org}", "acme"),
        ("a-{org}-${org}-z", "a-acme-acme-z"),
        ("{pages}", 5),
        ("${pages}", 5),
        ("{full}", True),
        ("{none}", None),
        ("{tags}", ["a", "b"]),
        ("p{pages}", "p5"),
        ("{share}x", "0.5x"),
        ("is {full}", "is true"),
        ("{{org}}", "{org}"),
        ("${{org}}", "${org}"),
        ("{{{org}}}", "{acme}"),
        ("{{", "{"),
        ("}}", "}"),
        ("{{}}", "{}"),
        ("%s %(org)s $org {{0}}", "%s %(org)s $org {0}"),
    ],
)
def test_placeholders_are_replaced_and_doubled_braces_are_braces(text: str, value: Any) -> None:
    assert resolve(text, VARIABLES) == value
    assert type(resolve(text, VARIABLES)) is type(value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{nobody}", "there is no variable 'nobody'"),
        ("x ${nobody}", "there is no variable 'nobody'"),
        ("{org.__class__}", "stray '{' at character 1"),
        ("{org[0]}", "stray '{'"),
        ("{org!r}", "stray '{'"),
        ("{org:>9}", "stray '{'"),
        ("{0}", "stray '{'"),
        ("{}", "stray '{'"),
        ("{ org }", "stray '{'"),
        ("a}", "stray '}' at character 2"),
        ("{", "stray '{'"),
        ("{{org}", "stray '}'"),
        ("x{none}", "'none' has no value"),
        ("x{tags}", "'tags' is a list"),
        ("{\u043erg}", "stray '{'"),
    ],
)
def test_what_is_no_placeholder_is_an_error(text: str, why: str) -> None:
    with pytest.raises(ResolveError) as raised:
        resolve({"at": [text]}, VARIABLES)
    (misfit,) = raised.value.misfits
    assert misfit.path == ("at", 0)
    assert misfit.why.startswith(why)


def test_all_that_cannot_be_resolved_is_told_at_once() -> None:
    with pytest.raises(ResolveError) as raised:
        resolve({"a": "{x}", "b": ["ok", {"c": "{"}]}, VARIABLES)
    assert [dotted(misfit.path) for misfit in raised.value.misfits] == ["a", "b[1].c"]


def test_only_values_are_substituted() -> None:
    assert resolve({"{org}": "{org}"}, VARIABLES) == {"{org}": "acme"}


@pytest.mark.parametrize("value", [5, 0.5, True, None])
def test_what_is_no_text_stays_as_it_is(value: Any) -> None:
    assert resolve([value], VARIABLES) == [value]


@given(st.text())
def test_what_a_variable_holds_is_never_scanned_again(text: str) -> None:
    assert resolve("{value}", {"value": text}) == text
    assert resolve("<{value}>${value}", {"value": text}) == f"<{text}>{text}"


@given(BRACE_FREE)
def test_text_without_braces_is_its_own_meaning(text: str) -> None:
    assert resolve(text, {}) == text


@given(st.text())
def test_any_text_can_be_written_with_doubled_braces(text: str) -> None:
    assert resolve(text.replace("{", "{{").replace("}", "}}"), {}) == text


@given(st.text(alphabet="{}$ab_0.", max_size=30))
def test_a_text_either_resolves_with_its_names_known_or_says_why(text: str) -> None:
    try:
        names = set(placeholders(text))
    except ValueError:
        with pytest.raises(ResolveError):
            resolve(text, {"a": 1, "b": 2})
        return
    assert resolve(text, dict.fromkeys(names, "v")) is not None
    for name in names:
        with pytest.raises(ResolveError, match=f"there is no variable '{name}'"):
            resolve(text, dict.fromkeys(names - {name}, "v"))


def test_one_placeholder_alone_is_whole() -> None:
    assert (whole("{a}"), whole("${a}"), whole("{a}{b}"), whole("x{a}"), whole("{{")) == ("a", "a", None, None, None)


def declared(**variables: Any) -> Pipeline:
    return Pipeline("openai", "", "usage", (), "hash", parameters=(Parameter("team"),), variables=variables)


def variables_of(pipeline: Pipeline, **parameters: Any) -> Mapping[str, Any]:
    window = DateWindow(date(2025, 6, 1), date(2025, 6, 3))
    return run_variables(
        pipeline, org="acme", run_id=UUID(int=7), run_date=window.last, window=window, parameters=parameters
    )


def test_a_run_gives_its_facts_to_placeholders() -> None:
    found = variables_of(declared(), date="2025-06-03")
    assert found == {
        "org_slug": "acme",
        "run_id": "00000000-0000-0000-0000-000000000007",
        "run_date": "2025-06-03",
        "provider": "openai",
        "domain": "",
        "pipeline_id": "acme-openai-usage",
        "date": "2025-06-03",
        "start_date": "2025-06-01",
        "end_date": "2025-06-03",
        "team": None,
    }


def test_variables_may_refer_to_facts_and_parameters() -> None:
    found = variables_of(declared(path="{org_slug}/${team}", team_alone="{team}"), team="{blue}")
    assert (found["path"], found["team_alone"]) == ("acme/{blue}", "{blue}")


def test_variables_may_not_refer_to_one_another() -> None:
    with pytest.raises(ResolveError, match="b: there is no variable 'a'"):
        variables_of(declared(a="x", b="{a}"))
