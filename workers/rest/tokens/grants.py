"""What is posted to a token endpoint for a credential: pure but for the arithmetic of a signature."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote_plus

from attrs import field, frozen
from google.auth import crypt, jwt

from workers.model.page import Auth
from workers.rest.tokens.keyfiles import Client, ServiceAccount, unusable

ASSERTION_SECONDS = 3600
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@frozen(repr=False)
class Form:
    """A form and the headers that go with it: for the wire only."""

    members: Mapping[str, str]
    headers: Mapping[str, str] = field(factory=dict)


def assertion_form(auth: Auth, account: ServiceAccount, now: datetime) -> Form:
    """Sign who the account is (RFC 7523, RS256), valid for an hour from `now`; some milliseconds of arithmetic.

    Raises FailedError(CREDENTIAL_INVALID) for a key that is no RSA key.
    """
    issued = int(now.timestamp())
    claims = {
        "iss": account.email,
        **_scope(auth),
        "aud": auth.audience or auth.token_url,
        "iat": issued,
        "exp": issued + ASSERTION_SECONDS,
    }
    try:
        signer = crypt.RSASigner.from_string(account.private_key, account.key_id or None)
        assertion: bytes = jwt.encode(signer, claims)
    except Exception:  # noqa: BLE001 - the library lets through whatever a stored text makes of its parsers
        broken = True
    else:
        broken = False
    if broken:
        raise unusable(auth.provider, "has no usable RSA key at 'private_key'")
    return Form({"grant_type": _JWT_BEARER, "assertion": assertion.decode()})


def client_form(auth: Auth, client: Client) -> Form:
    """Ask as a client for itself (RFC 6749 §4.4)."""
    wish = {"grant_type": "client_credentials", **_scope(auth)}
    return _as_client(auth, client, wish | ({"audience": auth.audience} if auth.audience else {}))


def refresh_form(auth: Auth, client: Client) -> Form:
    """Ask with a refresh token (RFC 6749 §6)."""
    wish = {"grant_type": "refresh_token", "refresh_token": client.refresh_token, **_scope(auth)}
    return _as_client(auth, client, wish)


def _scope(auth: Auth) -> dict[str, str]:
    return {"scope": " ".join(auth.scopes)} if auth.scopes else {}


def _as_client(auth: Auth, client: Client, wish: Mapping[str, str]) -> Form:
    if not client.secret:
        return Form({**wish, "client_id": client.identity})
    if auth.client_auth == "body":
        return Form({**wish, "client_id": client.identity, "client_secret": client.secret})
    pair = f"{quote_plus(client.identity)}:{quote_plus(client.secret)}"
    return Form(wish, {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"})
