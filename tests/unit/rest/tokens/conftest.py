"""A desk whose credential is exchanged for tokens at /token of the hostile provider."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve, frozen
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes import hostile_provider as hostile
from tests.fakes.hostile_provider import Heard
from tests.unit.rest.desk import Desk
from workers.model.page import Auth

SCOPES = ("https://www.googleapis.com/auth/cloud-billing.readonly", "https://www.googleapis.com/auth/compute.readonly")

MakeDesk = Callable[..., Desk]


@frozen
class KeyPair:
    """A service account's key, as PEM."""

    private: str
    public: str


@pytest.fixture(scope="session")
def keys() -> KeyPair:
    # Short, since every exchange checks it anew.
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return KeyPair(private.decode(), public.decode())


@pytest.fixture
def key_file(keys: KeyPair) -> dict[str, str]:
    return {
        "type": "service_account",
        "project_id": "acme-prod",
        "private_key_id": "key-1",
        "private_key": keys.private,
        "client_email": "reader@acme-prod.iam.gserviceaccount.com",
        "token_uri": "https://evil.example.com/token",
    }


@pytest.fixture
def google(desk: Desk, key_file: dict[str, str]) -> Desk:
    """The desk with a service account, and a provider that grants tokens named after their number."""
    desk.auth = Auth("service_account", provider="GCP_SA", token_url=f"{desk.provider.url}/token", scopes=SCOPES)
    desk.secret = json.dumps(key_file)
    desk.provider.script("/token", granting(desk))
    desk.provider.script("/rows", hostile.rows({"id": 1}))
    return desk


@pytest.fixture
def oauth(google: Desk) -> Desk:
    """The desk with an OAuth client that acts for itself."""
    google.auth = evolve(google.auth, kind="oauth2_client_credentials")
    google.secret = json.dumps({"client_id": "me@x", "client_secret": "s&cret"})
    return google


def granting(desk: Desk, **members: Any) -> hostile.Behaviour:
    """Grant t1, t2, … with more members of the answer."""

    def grant(_heard: Heard) -> bytes:
        return json.dumps({"access_token": f"t{len(asked(desk))}", "expires_in": 3600, **members}).encode()

    return hostile.by_request(grant)


def asked(desk: Desk) -> list[Heard]:
    """The requests that came for a token."""
    return [heard for heard in desk.provider.heard if heard.path == "/token"]


def bearers(desk: Desk) -> list[str]:
    """What was sent to the API in place of the credential, in order."""
    return [heard.headers["authorization"] for heard in desk.provider.heard if heard.path != "/token"]
