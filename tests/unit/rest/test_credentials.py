from __future__ import annotations

import base64

import pytest
from yarl import URL

from workers.model.failure import FailedError, Reason
from workers.model.page import Auth
from workers.model.secret import Secret
from workers.rest.credentials import sign

HERE = URL("https://api.example.com/v1?a=1&sig=x%2By", encoded=True)


@pytest.mark.parametrize(
    ("auth", "headers"),
    [
        (Auth("none"), {}),
        (Auth("bearer"), {"Authorization": "Bearer user:pass"}),
        (Auth("header", "x-api-key"), {"x-api-key": "user:pass"}),
        (Auth("basic"), {"Authorization": "Basic " + base64.b64encode(b"user:pass").decode()}),
    ],
)
def test_a_secret_is_put_where_the_endpoint_says(auth: Auth, headers: dict[str, str]) -> None:
    signed = sign(HERE, auth, Secret("user:pass"))
    assert (str(signed.url), signed.headers) == (str(HERE), headers)


def test_a_secret_in_the_query_replaces_one_that_stands_there() -> None:
    signed = sign(URL("https://h/?key=old&a=1"), Auth("query", "key"), Secret("s&cret"))
    assert list(signed.url.query.items()) == [("a", "1"), ("key", "s&cret")]
    assert signed.headers == {}


def test_what_is_signed_shows_nothing() -> None:
    assert "cret" not in repr(sign(HERE, Auth("query", "key"), Secret("s&cret")))


@pytest.mark.parametrize("kind", ["bearer", "header", "basic", "query"])
@pytest.mark.parametrize("text", ["canary\r\nHost: evil", "canary\n", "canaryé", "", "cana\0ry"])
def test_a_secret_that_cannot_be_sent_is_refused_without_showing_it(kind: str, text: str) -> None:
    with pytest.raises(FailedError) as caught:
        sign(HERE, Auth(kind, "key", "openai"), Secret(text))
    assert caught.value.failure.reason is Reason.CREDENTIAL_INVALID
    assert "cana" not in str(caught.value)


def test_an_unknown_kind_is_an_error_of_configuration() -> None:
    with pytest.raises(FailedError, match="CONFIG_INVALID"):
        sign(HERE, Auth("digest"), Secret("x"))
