"""Putting a secret on a request: the one place where it is opened, and nothing made here is ever shown."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping

from attrs import field, frozen
from yarl import URL

from workers.model.failure import Code, Reason, refused
from workers.model.page import TOKEN_KINDS, Auth
from workers.model.secret import Secret

_SENDABLE = re.compile(r"[\x21-\x7e]+")
_SENDABLE_PAIR = re.compile(r"[\x20-\x7e]*:[\x20-\x7e]*")


@frozen(repr=False)
class Signed:
    """A URL and headers that carry the secret: for the wire only."""

    url: URL
    headers: Mapping[str, str] = field(factory=dict)


def sign(url: URL, auth: Auth, secret: Secret | None) -> Signed:
    """Apply a secret, or the access token it was exchanged for, as the endpoint says.

    Raises FailedError(CREDENTIAL_INVALID) when it cannot be sent.
    """
    if auth.kind == "none" or secret is None:
        return Signed(url)
    text = secret.reveal()
    if not (_SENDABLE_PAIR if auth.kind == "basic" else _SENDABLE).fullmatch(text):
        what = f"the credential of {auth.provider} holds characters that cannot be sent"
        raise refused(Code.FAILED_PRECONDITION, Reason.CREDENTIAL_INVALID, what)
    match "bearer" if auth.kind in TOKEN_KINDS else auth.kind:
        case "bearer":
            return Signed(url, {"Authorization": f"Bearer {text}"})
        case "basic":
            return Signed(url, {"Authorization": f"Basic {base64.b64encode(text.encode()).decode()}"})
        case "header":
            return Signed(url, {auth.name: text})
        case "query":
            return Signed(url.without_query_params(auth.name).extend_query([(auth.name, text)]))
        case _:
            what = f"{auth.provider}: no way of authentication is called {auth.kind!r}"
            raise refused(Code.FAILED_PRECONDITION, Reason.CONFIG_INVALID, what)
