from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.rest.document import DocumentError, at, parse, read_document, rows_at
from workers.rest.expressions import ABSENT

texts = st.text(st.characters(codec="utf-8"))
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
)


@given(value=values, escaped=st.booleans())
def test_what_was_written_is_read_exactly(value: Any, escaped: bool) -> None:
    assert parse(json.dumps(value, ensure_ascii=escaped).encode()) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30, places=9))
def test_a_fraction_keeps_every_digit(number: Decimal) -> None:
    found = parse(b'{"cost": %s}' % str(number).encode())["cost"]
    assert isinstance(found, Decimal)
    assert str(found) == str(number)


@pytest.mark.parametrize(("text", "number"), [("1e-7", "1E-7"), ("0.10", "0.10"), ("1.0000000001", "1.0000000001")])
def test_fractions_are_decimal_from_the_raw_text(text: str, number: str) -> None:
    assert str(parse(text.encode())) == number


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "is not JSON"),
        (b'{"data": [{"id": 1}', "is not JSON"),
        (b"{} trailing", "is not JSON"),
        (b"<html>", "is not JSON"),
        (b"{'a': 1}", "is not JSON"),
        (b'{"a": 1} // no', "is not JSON"),
        (b"\xef\xbb\xbf{}", "is not JSON"),
        (b'{"a": 1, "a": 2}', "has an object with a duplicate key"),
        (b'[{"x": {"a": 1, "\\u0061": 2}}]', "has an object with a duplicate key"),
        (b'{"a": NaN}', "holds NaN or Infinity"),
        (b'{"a": -Infinity}', "holds NaN or Infinity"),
        (b'{"a": "\xff"}', "is not valid UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "is not valid UTF-8"),
        (b'{"a": "\\ud800"}', "is not valid UTF-8"),
        (b'{"a": [["\\uDC00 \\ud83d\\ude00"]]}', "is not valid UTF-8"),
        (b'{"\\ud800": 1}', "is not valid UTF-8"),
        (b"1e999999999", "out of range"),
        (b"1e99999999999999999999", "out of range"),
        (b"0." + b"1" * 2000, "out of range"),
        (b"1" * 5000, "out of range"),
        (b"[" * 100_000, "is nested too deeply"),
    ],
)
def test_what_is_ambiguous_or_broken_is_refused(body: bytes, complaint: str) -> None:
    with pytest.raises(DocumentError, match=complaint):
        parse(body)


def test_a_complaint_quotes_nothing_of_the_document() -> None:
    with pytest.raises(DocumentError) as caught:
        parse(b'{"sk-canary": 1, "sk-canary": 2}')
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("path", "found"), [("", {"a": {"b": None}}), ("a", {"b": None}), ("a.b", None), ("a.c", ABSENT), ("a.b.c", ABSENT)]
)
def test_a_dotted_path_tells_null_from_absent(path: str, found: Any) -> None:
    assert at({"a": {"b": None}}, path) == found


@pytest.mark.parametrize("value", [{}, {"data": None}, {"data": {}}, {"data": [1]}, {"data": [{}, None]}, [], None, 1])
def test_rows_must_be_a_list_of_objects_at_their_path(value: Any) -> None:
    with pytest.raises(DocumentError, match="at 'data'"):
        rows_at(value, "data")


def test_a_document_knows_its_digest_and_size() -> None:
    document = read_document(b'[{"id": 1}]', "")
    assert document.rows == ({"id": 1},)
    assert document.bytes == 11
    assert document.sha256 == "01aa8ec06990002ed658e46cc2138aececc2663ae936be1765f466a1ed3f6fcb"
