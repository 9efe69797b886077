from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from attrs import evolve
from google.auth import crypt, jwt

from tests.fakes.hostile_provider import Heard
from tests.unit.rest.desk import Desk
from tests.unit.rest.tokens.conftest import SCOPES, KeyPair, asked, bearers
from workers.model.failure import FailedError, Reason


def form(heard: Heard) -> dict[str, str]:
    return dict(parse_qsl(heard.body.decode()))


def claims(heard: Heard, keys: KeyPair) -> dict[str, Any]:
    """Verify the signature and return what was claimed."""
    assertion = form(heard)["assertion"].encode()
    _, said, signed, signature = jwt._unverified_decode(assertion)
    assert crypt.verify_signature(signed, signature, [keys.public])
    return dict(said)


async def test_the_bearer_token_is_sent_in_place_of_the_key(google: Desk) -> None:
    await google.rows()
    assert bearers(google) == ["Bearer t1"]
    assert "PRIVATE" not in str(google.provider.heard)


async def test_the_assertion_names_who_asks_whom_for_what_and_for_one_hour(google: Desk, keys: KeyPair) -> None:
    await google.rows()
    said, now = claims(asked(google)[0], keys), int(google.clock.now().timestamp())
    assert said == {
        "iss": "reader@acme-prod.iam.gserviceaccount.com",
        "scope": " ".join(SCOPES),
        "aud": f"{google.provider.url}/token",
        "iat": now,
        "exp": now + 3600,
    }


async def test_the_assertion_is_signed_by_rs256_with_the_id_of_its_key(google: Desk) -> None:
    await google.rows()
    header = jwt.decode_header(form(asked(google)[0])["assertion"])
    assert header == {"typ": "JWT", "alg": "RS256", "kid": "key-1"}
    assert form(asked(google)[0])["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"


async def test_a_declared_audience_is_named_whatever_the_way_there(google: Desk, keys: KeyPair) -> None:
    google.auth = evolve(google.auth, audience="https://oauth2.googleapis.com/token")
    await google.rows()
    assert claims(asked(google)[0], keys)["aud"] == "https://oauth2.googleapis.com/token"


async def test_other_scopes_are_another_token(google: Desk) -> None:
    await google.rows()
    google.auth = evolve(google.auth, scopes=SCOPES[:1])
    await google.rows()
    assert bearers(google) == ["Bearer t1", "Bearer t2"]


@pytest.mark.item("I129")
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"type": "authorized_user"}, "is not the key of a service account"),
        ({"client_email": ""}, "has no text at 'client_email'"),
        ({"private_key": 7}, "has no text at 'private_key'"),
        ({"private_key": "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----"}, "no usable RSA key"),
        ({"private_key": "canary"}, "no usable RSA key"),
    ],
)
async def test_a_key_file_that_cannot_sign_is_refused_without_showing_it(
    google: Desk, key_file: dict[str, str], change: dict[str, Any], why: str
) -> None:
    google.secret = json.dumps(key_file | change)
    with pytest.raises(FailedError, match=why) as caught:
        await google.rows()
    assert caught.value.failure.reason is Reason.CREDENTIAL_INVALID
    assert "canary" not in repr(caught.value.failure)
    assert not google.provider.heard


@pytest.mark.item("I129")
@pytest.mark.parametrize("secret", ["sk-canary", "[1]", "{", '"canary"'])
async def test_a_credential_that_is_no_json_object_is_refused_without_showing_it(google: Desk, secret: str) -> None:
    google.secret = secret
    with pytest.raises(FailedError, match="CREDENTIAL_INVALID") as caught:
        await google.rows()
    assert "canary" not in repr(caught.value.failure)
    assert caught.value.__context__ is None
