from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workers.rest.document import DocumentError, parse
from workers.rest.elements import Elements

texts = st.text(st.characters(codec="utf-8"), max_size=8)
numbers = st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=6).map(float)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts | st.sampled_from("ab"), inner, max_size=4),
    max_leaves=12,
)
layouts = st.sampled_from([{}, {"indent": 1}, {"separators": (",", ":")}, {"ensure_ascii": False}])
BROKEN = (
    *(b"", b"{", b'{"a":', b'{"a":[1,2', b'{"a":[1,]}', b'{"a":[1],}', b'{"a":[],"a":[]}', b'{"a":[{"b":1,"b":2}]}'),
    *(b'{"a":[NaN]}', b'{"a":[-Infinity]}', b'{"a":[1]} x', b'{"a" [1]}', b'{"a":[1 2]}', b"{1:2}", b"[1e999]"),
    *(b'{"a":["\xff"]}', b'{"a":[{"\\ud800":1}]}', b'{"b":"\\udc00","a":[]}', b"\xef\xbb\xbf{}", b"[" * 20_000),
)


def split(body: bytes, sizes: list[int]) -> Iterator[bytes]:
    """Cut at every size in turn, and so for ever."""
    at = number = 0
    while at < len(body):
        size = sizes[number % len(sizes)]
        yield body[at : at + size]
        at, number = at + size, number + 1


def outcome(body: bytes, keys: tuple[str, ...], sizes: list[int]) -> tuple[Any, Any]:
    """The document as it is put together again, or that it is refused."""
    elements = Elements(split(body, sizes), keys)
    try:
        rows = [*elements]
    except DocumentError:
        return DocumentError, None
    place = elements.value
    for key in keys[:-1]:
        place = place.get(key) if isinstance(place, dict) else None
    if rows and keys:
        place[keys[-1]] = rows
    return elements.value if keys or not rows else rows, None


def whole(body: bytes) -> tuple[Any, Any]:
    try:
        return parse(body), None
    except DocumentError:
        return DocumentError, None


sizes = st.lists(st.integers(1, 9), min_size=1, max_size=4)
keys = st.sampled_from([(), ("a",), ("a", "b")])


@given(value=values, layout=layouts, keys=keys, sizes=sizes)
@example(value={"a": [{"n": -1.5}, 12], "b": 3}, layout={}, keys=("a",), sizes=[1])
def test_in_pieces_a_document_is_what_it_is_as_a_whole(
    value: Any, layout: dict[str, Any], keys: tuple[str, ...], sizes: list[int]
) -> None:
    body = json.dumps(value, **layout).encode()
    assert outcome(body, keys, sizes) == whole(body)


@given(value=values, cut=st.integers(0, 200), junk=st.binary(max_size=3), keys=keys, sizes=sizes)
def test_in_pieces_a_damaged_document_is_refused_when_it_is_as_a_whole(
    value: Any, cut: int, junk: bytes, keys: tuple[str, ...], sizes: list[int]
) -> None:
    body = json.dumps({"a": value}).encode()
    damaged = body[:cut] + junk + body[cut + len(junk) :]
    assert outcome(damaged, keys, sizes) == whole(damaged)


@given(body=st.sampled_from(BROKEN), keys=keys, sizes=sizes)
def test_what_is_ambiguous_or_broken_is_refused_wherever_it_is_cut(
    body: bytes, keys: tuple[str, ...], sizes: list[int]
) -> None:
    assert outcome(body, keys, sizes) == whole(body) == (DocumentError, None)


@pytest.mark.parametrize("number", [b"1" * 450 + b".5e-100", b"-0.1E-7", b"12345678901234567890"])
def test_a_number_is_never_taken_for_its_beginning(number: bytes) -> None:
    elements = Elements(split(b"[%s]" % number, [1]), ())
    assert [*elements] == [parse(number)]


def test_an_element_is_handed_on_before_the_next_is_read() -> None:
    read: list[int] = []

    def pieces() -> Iterator[bytes]:
        for number in range(100):
            read.append(number)
            yield b'%s{"id": %d}' % (b"[" if not number else b",", number)
        yield b"]"

    elements = iter(Elements(pieces(), ()))
    assert next(elements) == {"id": 0}
    assert len(read) <= 2


def test_the_place_of_a_fault_is_counted_from_the_beginning() -> None:
    body = b'{"a": [%s], "b": x}' % b",".join([b"1"] * 50)
    with pytest.raises(DocumentError, match=f"Expecting value at character {body.index(b'x')}"):
        [*Elements(split(body, [7]), ("a",))]
