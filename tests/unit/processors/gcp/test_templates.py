from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.processors.gcp.templates import filled, template_names

SEGMENT = st.text(min_size=1).filter(lambda text: text not in {".", ".."} and not any(map(_surrogate, text)))


def _surrogate(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"


@settings(max_examples=40)
@given(SEGMENT)
def test_a_value_stays_one_segment_whatever_it_is(value: str) -> None:
    path = filled("/v1/a/{name}/b", {"name": value})
    assert path.count("/") == 4
    assert not set("?#\\ ") & set(path)
    assert unquote(path) == f"/v1/a/{value}/b"


@settings(max_examples=40)
@given(st.lists(SEGMENT.map(lambda text: text.replace("/", "")).filter(bool), min_size=1))
def test_a_resource_name_keeps_its_segments(segments: list[str]) -> None:
    name = "/".join(segments)
    if {".", ".."} & set(segments):
        return
    assert unquote(filled("/v1/{+name}/x", {"name": name})) == f"/v1/{name}/x"


@pytest.mark.parametrize("value", ["", ".", "..", "a//b", "/a", "a/", "a/../b"])
def test_a_value_that_would_be_another_path_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="no value that a path can hold"):
        filled("/v1/{+name}", {"name": value})


@pytest.mark.parametrize("text", ["{", "}", "{a", "a}", "{1}", "{a-b}", "{}", "{+}", "{{a}}"])
def test_a_brace_that_belongs_to_no_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="has a brace"):
        template_names(text)


def test_the_names_of_a_template_are_found() -> None:
    assert template_names("/v1/{+name}/x/{id}:run") == {"name", "id"}
