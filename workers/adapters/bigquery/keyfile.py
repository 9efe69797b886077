"""A service account's key file as the client's credentials. Whoever gave the file does not say where it is sent."""

from __future__ import annotations

import json
from typing import Any

from attrs import frozen
from google.auth.credentials import AnonymousCredentials, Credentials
from google.oauth2 import service_account

from workers.model.failure import Code, FailedError, Reason, refused
from workers.model.secret import Secret
from workers.ports import Access

_SCOPES = ("https://www.googleapis.com/auth/bigquery",)  # jobs may be started with no narrower one
_KEPT = ("client_email", "private_key", "private_key_id", "project_id")
_NEEDED = ("client_email", "private_key", "project_id")


@frozen
class Identity:
    """Who reads, and the project of the credential."""

    project: str
    credentials: Credentials


def identity(secret: Secret, access: Access, *, anonymous: bool) -> Identity:
    """Read the key file; an `anonymous` one presents nothing, as to an emulator.

    Raises FailedError(CREDENTIAL_INVALID) in words that quote nothing of it. Of the file only who signs, with which
    key and the project count: its `token_uri` and everything else it holds is left out.
    """
    members = _members(secret, access.provider)
    if anonymous:
        return Identity(members["project_id"], AnonymousCredentials())
    broken = False
    try:
        credentials = service_account.Credentials.from_service_account_info(
            {**members, "type": "service_account", "token_uri": access.token_url}, scopes=_SCOPES
        )
        credentials.sign_bytes(b"")  # a key of another kind is found out by its use only
    except Exception:  # noqa: BLE001 - the library lets through whatever a stored text makes of its parsers
        broken = True
    if broken:
        raise _unusable(access.provider, "holds no RSA key that can be used")
    return Identity(members["project_id"], credentials)


def _members(secret: Secret, provider: str) -> dict[str, str]:
    try:
        found: Any = json.loads(secret.reveal())
    except (ValueError, RecursionError):
        raise _unusable(provider, "is not JSON") from None
    if not isinstance(found, dict) or found.get("type") != "service_account":
        raise _unusable(provider, "is not the key of a service account")
    for name in _NEEDED:
        if not isinstance(found.get(name), str) or not found[name]:
            raise _unusable(provider, f"has no text at {name!r}")
    return {name: found[name] for name in _KEPT if isinstance(found.get(name), str)}


def _unusable(provider: str, what: str) -> FailedError:
    message = f"the credential of {provider} {what}"
    return refused(Code.FAILED_PRECONDITION, Reason.CREDENTIAL_INVALID, message, provider=provider)
