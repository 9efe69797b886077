"""Reads stored credentials that are JSON: a service account's key, an OAuth client with or without a refresh token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from json import dumps
from typing import Any, TypeVar

from attrs import evolve, field, frozen

from workers.model.failure import Code, FailedError, Reason, refused
from workers.model.secret import Secret
from workers.rest.document import DocumentError, parse

Read = TypeVar("Read")


class _UnfitError(Exception):
    """What is wrong with a credential, in words that quote nothing of it."""


@frozen(repr=False)
class ServiceAccount:
    """Who signs, and with which key (PEM). A `token_uri` that the file may hold is never looked at."""

    email: str
    private_key: str
    key_id: str


@frozen(repr=False)
class Client:
    """An OAuth client; `kept` is the whole of the stored object, `refresh_token` empty where there is none."""

    identity: str
    secret: str
    refresh_token: str = ""
    kept: Mapping[str, Any] = field(factory=dict)

    def rotated(self, refresh_token: str) -> Client:
        """Return the client with another refresh token."""
        return evolve(self, refresh_token=refresh_token, kept={**self.kept, "refresh_token": refresh_token})

    def sealed(self) -> Secret:
        """Return what is stored."""
        return Secret(dumps(dict(self.kept), default=str))


def service_account(secret: Secret, provider: str) -> ServiceAccount:
    """Read a service account's key file; raises FailedError(CREDENTIAL_INVALID) naming the member that is wrong."""

    def read(members: Mapping[str, Any]) -> ServiceAccount:
        if members.get("type") != "service_account":
            raise _UnfitError("is not the key of a service account")
        return ServiceAccount(
            _text(members, "client_email"),
            _text(members, "private_key"),
            _text(members, "private_key_id", needed=False),
        )

    return _read(secret, provider, read)


def project_of(secret: Secret, provider: str) -> str:
    """Return the project that a service account belongs to; raises FailedError(CREDENTIAL_INVALID)."""
    return _read(secret, provider, lambda members: _text(members, "project_id"))


def client(secret: Secret, provider: str) -> Client:
    """Read a client that acts for itself."""
    return _read(secret, provider, lambda it: Client(_text(it, "client_id"), _text(it, "client_secret"), "", it))


def refreshing_client(secret: Secret, provider: str) -> Client:
    """Read a client that acts for somebody; a public one has no secret."""

    def read(members: Mapping[str, Any]) -> Client:
        own = _text(members, "client_secret", needed=False)
        return Client(_text(members, "client_id"), own, _text(members, "refresh_token"), members)

    return _read(secret, provider, read)


def _read(secret: Secret, provider: str, read: Callable[[Mapping[str, Any]], Read]) -> Read:
    try:
        members = parse(secret.reveal().encode())
        return read(members if isinstance(members, dict) else {})
    except (DocumentError, UnicodeError):
        what = "is not JSON"
    except _UnfitError as unfit:
        what = str(unfit)
    raise unusable(provider, what)


def unusable(provider: str, what: str) -> FailedError:
    """Build the error of a credential that cannot be exchanged; `what` quotes nothing of it."""
    message = f"the credential of {provider} {what}"
    return refused(Code.FAILED_PRECONDITION, Reason.CREDENTIAL_INVALID, message, provider=provider)


def _text(members: Mapping[str, Any], name: str, *, needed: bool = True) -> str:
    value = members.get(name, "")
    if not isinstance(value, str) or (needed and not value):
        raise _UnfitError(f"has no text at {name!r}")
    return value
