"""The token endpoint: a signed assertion of a service account becomes an access token for its scopes, for an hour.

Nothing here is shared with the service: the assertion is verified by hand, as RFC 7515 and 7523 say.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from sandbox.google.account import AUDIENCE, Account
from sandbox.google.answers import OAuthError, RefusedError

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LONGEST_SECONDS = 3600
SKEW_SECONDS = 300
_PARTS = 3


@attrs.frozen
class Token:
    """An access token's scopes and end."""

    scopes: frozenset[str]
    ends: float


class TokenDesk:
    """Grants tokens to one service account and says what they are good for; `life` is theirs in seconds."""

    def __init__(self, account: Account, now: Callable[[], float], life: int = LONGEST_SECONDS) -> None:
        self._account = account
        self._now = now
        self._life = life
        self._tokens: dict[str, Token] = {}

    def grant(self, form: Mapping[str, str]) -> bytes:
        """Return the answer to a form; raises OAuthError."""
        if form.get("grant_type") != GRANT:
            raise OAuthError("unsupported_grant_type", "Invalid grant_type: " + form.get("grant_type", ""))
        claims = self._verified(form.get("assertion", ""))
        self._check_times(claims)
        if claims.get("aud") != AUDIENCE:
            raise OAuthError("invalid_grant", "Invalid JWT: the aud claim is not the token endpoint's.")
        scopes = frozenset(str(claims.get("scope", "")).split())
        if not scopes:
            raise OAuthError("invalid_scope", "Empty or missing scope not allowed.")
        name = f"ya29.{secrets.token_urlsafe(32)}"
        self._tokens[name] = Token(scopes, self._now() + self._life)
        return json.dumps({"access_token": name, "expires_in": self._life, "token_type": "Bearer"}).encode()

    def check(self, header: str, scopes: frozenset[str]) -> None:
        """Refuse a request whose token is none, is over, or has none of the scopes that the method takes."""
        scheme, _, name = header.partition(" ")
        if scheme.lower() != "bearer" or not name:
            raise RefusedError(401, "Request is missing required authentication credential.", "CREDENTIALS_MISSING")
        token = self._tokens.get(name)
        if token is None:
            raise RefusedError(401, "Request had invalid authentication credentials.", "ACCESS_TOKEN_TYPE_UNSUPPORTED")
        if token.ends <= self._now():
            raise RefusedError(401, "Request had invalid authentication credentials.", "ACCESS_TOKEN_EXPIRED")
        if not token.scopes & scopes:
            message = "Request had insufficient authentication scopes."
            raise RefusedError(403, message, "ACCESS_TOKEN_SCOPE_INSUFFICIENT")

    def revoke(self) -> None:
        """Forget every token, as if each had ended."""
        self._tokens = {name: attrs.evolve(token, ends=0.0) for name, token in self._tokens.items()}

    def _verified(self, assertion: str) -> Mapping[str, Any]:
        parts = assertion.split(".")
        if len(parts) != _PARTS:
            raise OAuthError("invalid_grant", "Invalid JWT: Token must have three parts.")
        header, claims = _object(parts[0]), _object(parts[1])
        if header.get("alg") != "RS256" or header.get("kid", self._account.key_id) != self._account.key_id:
            raise OAuthError("invalid_grant", "Invalid JWT Signature.")
        if claims.get("iss") != self._account.email:
            raise OAuthError("invalid_grant", "Invalid grant: account not found")
        signed = f"{parts[0]}.{parts[1]}".encode()
        try:
            self._account.key.verify(_decoded(parts[2]), signed, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            raise OAuthError("invalid_grant", "Invalid JWT Signature.") from None
        return claims

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        issued, ends, now = claims.get("iat"), claims.get("exp"), self._now()
        if not isinstance(issued, int) or not isinstance(ends, int):
            raise OAuthError("invalid_grant", "Invalid JWT: iat and exp are needed.")
        if not (issued - SKEW_SECONDS <= now < ends and 0 < ends - issued <= LONGEST_SECONDS):
            what = "Token must be a short-lived token (60 minutes) and in a reasonable timeframe."
            raise OAuthError("invalid_grant", f"Invalid JWT: {what}")


def _object(part: str) -> Mapping[str, Any]:
    try:
        found = json.loads(_decoded(part))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise OAuthError("invalid_grant", "Invalid JWT: Failed to parse.")
    return found


def _decoded(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        raise OAuthError("invalid_grant", "Invalid JWT: Failed to decode.") from None
