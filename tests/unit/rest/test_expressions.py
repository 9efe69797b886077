"""Places in documents: any text is a place or refused, and any place finds something in any document, or says why."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.effort import effort
from workers.rest.expressions import ExpressionError, expression

PIECES = st.sampled_from(
    [
        *(
            "a",
            "b",
            ".",
            "[",
            "]",
            "[*]",
            "[]",
            "[0]",
            "[-1]",
            "[::2]",
            "[?a>`1`]",
            "|",
            "&&",
            "||",
            "!",
            "(",
            ")",
            "*",
        ),
        *("@", "&a", "{a: b}", "to_number(", "to_string(", "entries(", "money(", "last_segment(", "sort_by(", "sum("),
        *("avg(", "join(", "length(", "keys(", "abs(", "contains(", "map(", "merge(", "max(", ",", "`1`", "'x'", '"a"'),
    ]
)
DOCUMENTS: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "units", "nanos"]) | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=20), DOCUMENTS)
@effort(100)
def test_any_text_finds_something_in_any_document_or_says_why_not(text: str, document: Any) -> None:
    try:
        expression(text)(document)
    except ExpressionError as error:
        assert str(error)  # noqa: PT017 - both outcomes are fine
