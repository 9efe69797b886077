from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.model.failure import FailedError, Reason
from workers.model.page import Endpoint, Read
from workers.model.pagination import CursorPages, LinkPages, NumberPages, OffsetPages, Pagination, SinglePage
from workers.rest import paging
from workers.rest.document import read_document
from workers.rest.paging import CURSOR_BYTES, Answer
from workers.rest.request import Request, first_request

Server = Callable[[Request], tuple[Any, str]]
Rows = list[dict[str, int]]

sources = st.integers(0, 40).map(lambda count: [{"id": number} for number in range(count)])
sizes = st.integers(1, 12)


def a_read(pagination: Pagination, *params: tuple[str, str], **changes: Any) -> Read:
    endpoint = Endpoint("openai", "https://api.example.com/v1")
    return Read(endpoint, "/items", (("day", "1"), *params), pagination=pagination, data_path="data", **changes)


def answer(value: Any, link: str = "") -> Answer:
    return Answer(read_document(json.dumps(value).encode(), "data"), link)


def next_request(read: Read, request: Request, came: Answer) -> Request | None:
    return paging.next_request(read, request, came, len(came.document.rows))


def walk(read: Read, server: Server) -> Iterator[tuple[Request, Answer]]:
    request: Request | None = first_request(read)
    while request is not None:
        assert request.url.query["day"] == "1"
        came = answer(*server(request))
        yield request, came
        request = next_request(read, request, came)


def ids(read: Read, server: Server) -> list[int]:
    return [row["id"] for _, came in walk(read, server) for row in came.document.rows]


def cut(source: Rows, start: int, size: int) -> tuple[Rows, bool]:
    return source[start : start + size], start + size < len(source)


@given(source=sources)
def test_a_single_page_is_read_once(source: Rows) -> None:
    assert ids(a_read(SinglePage()), lambda _: ({"data": source}, "")) == [row["id"] for row in source]


@given(source=sources, size=sizes, post=st.booleans(), more_path=st.sampled_from(["", "has_more"]))
def test_cursor_pages_read_every_row_once_in_order(source: Rows, size: int, post: bool, more_path: str) -> None:
    def server(request: Request) -> tuple[Any, str]:
        asked = request.url.query if request.body is None else request.body
        rows, more = cut(source, int(asked.get("page", "0/").strip("/")), size)
        end = int(asked.get("page", "0/").strip("/")) + size
        return {"data": rows, "has_more": more, "meta": {"next": f"{end}/" if more else None}}, ""

    read = a_read(
        CursorPages("page", "meta.next", more_path), method="POST" if post else "GET", body={} if post else None
    )
    assert ids(read, server) == [row["id"] for row in source]


@given(source=sources, size=sizes)
def test_offset_pages_read_every_row_once_in_order(source: Rows, size: int) -> None:
    def server(request: Request) -> tuple[Any, str]:
        return {"data": cut(source, int(request.url.query["skip"]), int(request.url.query["top"]))[0]}, ""

    assert ids(a_read(OffsetPages("skip", "top", size)), server) == [row["id"] for row in source]


@given(source=sources, size=sizes, first=st.integers(0, 3), sized=st.booleans())
def test_number_pages_read_every_row_once_in_order(source: Rows, size: int, first: int, sized: bool) -> None:
    def server(request: Request) -> tuple[Any, str]:
        return {"data": cut(source, (int(request.url.query["p"]) - first) * size, size)[0]}, ""

    read = a_read(NumberPages("p", first, "size" if sized else "", size if sized else 0))
    assert ids(read, server) == [row["id"] for row in source]


@given(source=sources, size=sizes, in_body=st.booleans(), absolute=st.booleans())
def test_link_pages_read_every_row_once_in_order(source: Rows, size: int, in_body: bool, absolute: bool) -> None:
    def server(request: Request) -> tuple[Any, str]:
        start = int(request.url.query.get("from", "0"))
        rows, more = cut(source, start, size)
        link = f"{'https://api.example.com' if absolute else ''}/v1/items?day=1&from={start + size}" if more else ""
        value = {"data": rows, "links": {"next": link or None}} if in_body else {"data": rows}
        return value, f'<{link}>; rel="next"' if link and not in_body else ""

    assert ids(a_read(LinkPages("links.next" if in_body else "")), server) == [row["id"] for row in source]


def complaint(pagination: Pagination, value: Any, link: str = "") -> str:
    read = a_read(pagination, ("key", "canary"))
    with pytest.raises(FailedError) as caught:
        next_request(read, first_request(read), answer(value, link))
    assert caught.value.failure.reason is Reason.PROVIDER_BAD_RESPONSE
    assert "canary" not in str(caught.value)
    assert caught.value.failure.message.startswith("GET https://api.example.com/v1/items: ")
    return caught.value.failure.message


@pytest.mark.parametrize("cursor", [{"next": None}, {"next": ""}, {}])
def test_more_without_a_cursor_is_an_error(cursor: dict[str, Any]) -> None:
    found = complaint(CursorPages("page", "next", "more"), {"data": [], "more": True, **cursor})
    assert "no cursor at 'next'" in found


@pytest.mark.parametrize("more", [{}, {"more": None}, {"more": "true"}, {"more": 1}])
def test_an_answer_that_does_not_say_whether_there_is_more_is_an_error(more: dict[str, Any]) -> None:
    assert "at 'more'" in complaint(CursorPages("page", "next", "more"), {"data": [], "next": "x", **more})


@pytest.mark.parametrize("cursor", [0.5, {"a": 1}, ["x"], True])
def test_a_cursor_that_is_no_string_is_an_error(cursor: Any) -> None:
    assert "not a string" in complaint(CursorPages("page", "next"), {"data": [], "next": cursor})


def test_a_cursor_is_bounded() -> None:
    fine = a_read(CursorPages("page", "next"))
    assert next_request(fine, first_request(fine), answer({"data": [], "next": "x" * CURSOR_BYTES}))
    assert "4096 bytes" in complaint(CursorPages("page", "next"), {"data": [], "next": "é" * CURSOR_BYTES})


def test_a_cursor_beside_no_more_is_not_followed() -> None:
    read = a_read(CursorPages("page", "next", "more"))
    assert next_request(read, first_request(read), answer({"data": [], "next": "x", "more": False})) is None


@pytest.mark.parametrize("pagination", [OffsetPages("skip", "top", 2), NumberPages("p", 1, "size", 2)])
def test_more_rows_than_asked_for_is_an_error(pagination: Pagination) -> None:
    assert "3 rows where 2" in complaint(pagination, {"data": [{}, {}, {}]})


@pytest.mark.parametrize("link", ["https://evil.example/x", "http://api.example.com/v1/items", "/" + "x" * 5000])
def test_a_link_that_leaves_its_origin_is_an_error(link: str) -> None:
    assert "next link" in complaint(LinkPages("next"), {"data": [], "next": link})
    assert "next link" in complaint(LinkPages(), {"data": []}, f"<{link}>; rel=next")


def test_a_link_that_is_no_string_is_an_error() -> None:
    assert "not a string" in complaint(LinkPages("next"), {"data": [], "next": {"href": "/x"}})


def test_a_cursor_replaces_the_one_before_and_keeps_the_rest() -> None:
    read = a_read(CursorPages("page", "next"), ("group_by", "a"), ("group_by", "b"), ("page", "start"))
    request = next_request(read, first_request(read), answer({"data": [], "next": "c/1+&"}))
    assert request is not None
    assert list(request.url.query.items()) == [("day", "1"), ("group_by", "a"), ("group_by", "b"), ("page", "c/1+&")]
    assert request.cursor == "c/1+&"


@pytest.mark.parametrize("path", ["/../admin", "/a/%2E%2e/b", "/a?key=1", "/a#b", "/a\\b", "/./a"])
def test_a_path_stays_below_its_endpoint(path: str) -> None:
    with pytest.raises(FailedError, match="plain segments"):
        first_request(Read(Endpoint("openai", "https://api.example.com/v1"), path))


@pytest.mark.parametrize("base", ["", "api.example.com", "https://h:port/", "https://h/?a=1", "https://h/#f", "//h"])
def test_a_base_url_is_absolute_and_bare(base: str) -> None:
    with pytest.raises(FailedError, match="CONFIG_INVALID"):
        first_request(Read(Endpoint("openai", base), "/items"))


def test_only_reading_methods_are_sent() -> None:
    with pytest.raises(FailedError, match="GET or a POST"):
        first_request(a_read(SinglePage(), method="DELETE"))


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(FailedError, match="at least 1"):
        first_request(a_read(OffsetPages("skip", "top", 0)))
