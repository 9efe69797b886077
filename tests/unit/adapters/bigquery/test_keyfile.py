"""Key files as credentials: the file says who signs, and never where that is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.oauth2 import service_account

from tests.unit.rest.tokens.conftest import key_file as key_file  # noqa: PLC0414 - a fixture
from tests.unit.rest.tokens.conftest import keys as keys  # noqa: PLC0414 - likewise
from workers.adapters.bigquery.keyfile import Identity, identity
from workers.model.failure import FailedError, Reason
from workers.model.secret import Secret
from workers.ports import Access

TOKEN_URL = "https://token.example/token"


def read(text: str, *, anonymous: bool) -> Identity:
    return identity(Secret(text), Access("GCP_SA", token_url=TOKEN_URL), anonymous=anonymous)


def test_a_token_is_asked_for_where_the_registry_says(key_file: dict[str, str]) -> None:
    found = read(json.dumps({**key_file, "universe_domain": "evil.example.com"}), anonymous=False)
    assert isinstance(found.credentials, service_account.Credentials)
    sent: Any = found.credentials
    assert (sent._token_uri, found.project) == (TOKEN_URL, "acme-prod")
    assert found.credentials.service_account_email == key_file["client_email"]
    assert found.credentials.universe_domain == "googleapis.com"
    assert found.credentials.scopes == ("https://www.googleapis.com/auth/bigquery",)


def test_an_emulator_is_shown_nothing(key_file: dict[str, str]) -> None:
    found = read(json.dumps(key_file), anonymous=True)
    assert not hasattr(found.credentials, "service_account_email")
    assert found.project == "acme-prod"


@pytest.mark.item("I129")
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"type": "authorized_user"}, "is not the key of a service account"),
        ({"project_id": ""}, "has no text at 'project_id'"),
        ({"client_email": 7}, "has no text at 'client_email'"),
        ({"private_key": "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n"}, "holds no RSA key that can be used"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_without_a_word_of_it(
    key_file: dict[str, str], change: dict[str, object], why: str
) -> None:
    with pytest.raises(FailedError, match=f"the credential of GCP_SA {why}$") as raised:
        read(json.dumps({**key_file, **change}), anonymous=False)
    assert raised.value.failure.reason is Reason.CREDENTIAL_INVALID
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_a_key_of_another_kind_is_told_before_it_is_used(key_file: dict[str, str]) -> None:
    plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(*plain).decode()
    with pytest.raises(FailedError, match="holds no RSA key that can be used"):
        read(json.dumps({**key_file, "private_key": key}), anonymous=False)


@pytest.mark.item("I129")
@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000])
def test_what_is_no_key_file_is_refused(text: str) -> None:
    with pytest.raises(FailedError, match="the credential of GCP_SA is not"):
        read(text, anonymous=True)
