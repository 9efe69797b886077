"""Patterns of declarations: what is safe is let through, what may take for ever is not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.model.pattern import ENDLESS, pattern_fault

PIECES = [
    "a",
    "(",
    "(?:",
    "(?P<n>",
    ")",
    "|",
    "*",
    "+",
    "?",
    "{2}",
    "{1,3}",
    "{2,}",
    "{",
    "}",
    "[",
    "]",
    "^",
    "\\",
    ".",
]


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "",
            "[a-z0-9_]{3,50}",
            "[A-Za-z0-9+/]{40,}={0,2}",
            "(?:cat|dog)",
            "(a|b){1}",
            r"\(a+\)+",
            "[(+]+x+",
            "(?i)a+b+",
        ),
        *("(?:[a-z]{2}){3}", "(a+)?", r"\d{4}-\d{2}-\d{2}", "a{2}b{,3}", "x{}", "(?=a+)b"),
    ],
)
def test_patterns_that_end_are_fine(pattern: str) -> None:
    assert pattern_fault(pattern) == ""


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "(a+)+",
            "(a*)*b",
            "(a|aa)+",
            "(?:a?){30}",
            "((a{1,2})b)*",
            "(?P<x>a+){2,}",
            "(.*a){20}",
            "((a|b))+?",
            "([+*]|a)+",
        ),
        *("a*b*c*", ".*.*.*x", "a+b{70,}c{0,100}"),
    ],
)
def test_patterns_that_may_never_end_are_refused(pattern: str) -> None:
    assert pattern_fault(pattern).startswith(ENDLESS)


@pytest.mark.parametrize(
    "pattern", ["(", "a**", "a{99999999999999999999}", "(" * 500 + ")" * 500, "[z-a]", "[[a]", "\\"]
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    assert pattern_fault(pattern) == "pattern is not a regular expression"


def test_a_pattern_is_not_longer_than_a_person_can_read() -> None:
    assert pattern_fault("a" * 1001) == "pattern is longer than 1000 characters"


@given(st.text(max_size=20) | st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_every_text_is_a_pattern_or_refused_and_what_passes_compiles(pattern: str) -> None:
    if not pattern_fault(pattern):
        assert re.compile(pattern)
