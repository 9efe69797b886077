from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.model.sql_tokens import Kind, TokenError, tokens


def texts(sql: str) -> list[str]:
    return [token.text for token in tokens(sql)]


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("a -- ' not here\n b", ["a", "b"]),
        ("a # `\nb /* ' \n */ c", ["a", "b", "c"]),
        ("`p-1.d`.t", ["p-1.d", ".", "t"]),
        (r"'it\'s' x", [r"it\'s", "x"]),
        ("'''it's\nhere''' x", ["it's\nhere", "x"]),
        ('"""a""" rb"\\d" R\'\\d\'', ["a", "\\d", "\\d"]),
        ("@p + @@error.message >= 1.5e3", ["@p", "+", "@@error.message", ">", "=", "1.5e3"]),
        ("'' ''", ["", ""]),
    ],
)
def test_quotes_and_comments_hide_what_stands_in_them(sql: str, found: list[str]) -> None:
    assert texts(sql) == found


@pytest.mark.parametrize("sql", ["a 'b", "'''a'", "/* a", "a `b", "'a\nb'", "'a\\"])
def test_what_does_not_end_is_told_with_its_place(sql: str) -> None:
    with pytest.raises(TokenError) as raised:
        texts(sql)
    assert raised.value.line == 1


def test_a_token_knows_its_place() -> None:
    third = [*tokens("SELECT\n  'a\\n',\n  b")][3]
    assert (third.word, third.line, third.column) == ("B", 3, 3)


@given(st.text(alphabet="ab'\"`\\-/*#\n ();%_@1r", max_size=40))
def test_any_text_is_read_or_refused(sql: str) -> None:
    try:
        found = [*tokens(sql)]
    except TokenError:
        return
    assert all(token.kind in Kind for token in found)
    assert [(token.line, token.column) for token in found] == sorted((token.line, token.column) for token in found)
