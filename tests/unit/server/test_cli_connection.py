"""Endpoints as a person writes them."""

from __future__ import annotations

import pytest

from server.cli_connection import Endpoint


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("http://localhost:8001", Endpoint("localhost", 8001)),
        ("localhost:8001", Endpoint("localhost", 8001)),
        ("127.0.0.1:50051", Endpoint("127.0.0.1", 50051)),
        ("http://[::1]:8001/", Endpoint("::1", 8001)),
        ("https://pipelines.example.com", Endpoint("pipelines.example.com", 443, secure=True)),
        ("https://pipelines.example.com:8443", Endpoint("pipelines.example.com", 8443, secure=True)),
        ("http://pipelines.example.com", Endpoint("pipelines.example.com", 80)),
    ],
)
def test_an_endpoint_is_read(text: str, endpoint: Endpoint) -> None:
    assert Endpoint.parse(text) == endpoint
    assert Endpoint.parse(str(endpoint)) == endpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "ftp://x:1",
        "http://",
        "http://x:99999",
        "http://x:port",
        "http://user:pw@x:1",
        "http://x:1/api",
    ],
)
def test_another_text_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"endpoint|[Pp]ort") as refused:
        Endpoint.parse(text)
    assert "user:pw" not in str(refused.value)
