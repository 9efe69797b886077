from __future__ import annotations

import pytest
from yarl import URL

from workers.rest.links import followed, next_in_header

HERE = URL("https://api.example.com:8443/v1/items?page=1")


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ('<https://a/2>; rel="next"', "https://a/2"),
        ("</2?a=1,2;b>; rel=next", "/2?a=1,2;b"),
        ('<p>; rel="prev", <n>; title="x"; rel="next"', "n"),
        ('<n>; rel="last next"', "n"),
        ('<n>; REL="NEXT"', "n"),
        ('<p>; rel="nextish"', ""),
        ("<p>", ""),
        ("", ""),
        ("garbage; rel=next", ""),
    ],
)
def test_the_next_relation_is_found_in_a_link_header(header: str, target: str) -> None:
    assert next_in_header(header) == target


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("https://api.example.com:8443/v1/items?page=2", "https://api.example.com:8443/v1/items?page=2"),
        ("?page=2", "https://api.example.com:8443/v1/items?page=2"),
        ("/v2?sig=a%2Bb%2F", "https://api.example.com:8443/v2?sig=a%2Bb%2F"),
        ("items?page=2#top", "https://api.example.com:8443/v1/items?page=2"),
    ],
)
def test_a_link_is_followed_as_it_is_written(link: str, target: str) -> None:
    assert str(followed(HERE, link)) == target


@pytest.mark.parametrize(
    "link",
    [
        *("https://evil.example/", "http://api.example.com:8443/", "https://api.example.com/", "//evil.example/"),
        *(
            "https://u:p@api.example.com:8443/",
            "https://[::1",
            "javascript:alert(1)",
            "https://api.example.com.evil:8443/",
        ),
    ],
)
def test_a_link_never_leaves_its_origin(link: str) -> None:
    assert followed(HERE, link) is None
