from __future__ import annotations

import pytest
from yarl import URL

from workers.rest import Egress

EGRESS = Egress.parse(" localhost:8080 ,127.0.0.1:9000, [::1]:9000, 169.254.169.254:80,")


@pytest.mark.parametrize(
    "url",
    [
        *("https://api.openai.com/v1/usage", "https://api.openai.com:443/", "https://localhost:8080/"),
        *("http://localhost:8080/x", "http://LOCALHOST:8080/x", "http://127.0.0.1:9000/", "http://[::1]:9000/"),
    ],
)
def test_public_https_and_what_development_allows_may_be_asked(url: str) -> None:
    assert EGRESS.objection(URL(url)) == ""


@pytest.mark.parametrize(
    ("url", "objection"),
    [
        ("http://api.openai.com/", "only https may be asked"),
        ("ftp://localhost:8080/", "only https may be asked"),
        ("file:///etc/passwd", "only https may be asked"),
        ("gopher://api.openai.com/", "only https may be asked"),
        ("http://localhost:8081/", "only https may be asked"),
        ("https://user@api.openai.com/", "a URL may not carry user-info"),
        ("https://:secret@api.openai.com/", "a URL may not carry user-info"),
        ("https://api.openai.com:22/", "only port 443 may be asked"),
        ("https://8.8.8.8/", "a host must be a name, not an address"),
        ("https://127.0.0.1/", "a host must be a name, not an address"),
        ("https://[::1]/", "a host must be a name, not an address"),
        ("http://169.254.169.254/latest", "a host must be a name, not an address"),
    ],
)
def test_anything_else_may_not_be_asked(url: str, objection: str) -> None:
    assert EGRESS.objection(URL(url)) == objection


@pytest.mark.parametrize(
    ("host", "port", "address", "admitted"),
    [
        ("api.openai.com", 443, "104.18.7.192", True),
        ("api.openai.com", 443, "127.0.0.1", False),
        ("api.openai.com", 443, "169.254.169.254", False),
        ("localhost", 8080, "127.0.0.1", True),
        ("localhost", 8080, "::1", True),
        ("localhost", 8080, "10.0.0.1", False),
        ("localhost", 8081, "127.0.0.1", False),
    ],
)
def test_loopback_is_dialled_only_for_what_development_allows(
    host: str, port: int, address: str, admitted: bool
) -> None:
    assert EGRESS.admits(host, port, address) is admitted


@pytest.mark.parametrize("entry", ["localhost", ":80", "localhost:", "localhost:0", "localhost:65536", "a:-1", "a:²"])
def test_a_bad_entry_of_the_allow_list_is_named(entry: str) -> None:
    with pytest.raises(ValueError, match="not host:port"):
        Egress.parse(f"localhost:8080,{entry}")
