"""Reading any REST API, as values: where it is, how it pages, what one page was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from workers.model.body import BodyFormat, ResponseRule
from workers.model.credential import CredentialForm
from workers.model.pagination import Pagination, SinglePage

TOKEN_KINDS = frozenset({"service_account", "oauth2_client_credentials", "oauth2_refresh_token"})
"""Kinds of authentication whose stored secret is exchanged for an access token that is sent in its place."""


@frozen
class Auth:
    """How a secret is sent: `kind` bearer, header, query, basic or none; `name` is the header or query parameter.

    The secret is the one of `provider`, and where there is none, what the run keeps under `secret_key`.

    Of the TOKEN_KINDS the secret is JSON, and goes to `token_url` for an access token with `scopes`. `audience` is
    whom a service account's assertion names (`token_url` when empty), or a client's wish for one API of several;
    `client_auth` says whether a client names itself in a header (basic) or in the form (body).
    """

    kind: str = "none"
    name: str = ""
    provider: str = ""
    secret_key: str = ""
    token_url: str = ""
    scopes: tuple[str, ...] = ()
    audience: str = ""
    client_auth: str = "basic"


@frozen
class Limits:
    """Bounds of one provider: requests a minute for one credential, bytes a page, seconds a request, pages a read.

    Where `polls_per_minute` is not 0, a step takes one poll from that budget before its first request.
    """

    requests_per_minute: float = 60.0
    burst: int = 10
    page_bytes: int = 64 * 1024 * 1024
    request_seconds: float = 60.0
    pages: int = 100_000
    attempts: int = 3
    polls_per_minute: float = 0.0
    poll_burst: int = 1


@frozen
class Proof:
    """A cheap call that only a working credential can make; `needs` says in words what that takes."""

    path: str
    params: tuple[tuple[str, str], ...] = ()
    method: str = "GET"
    needs: str = ""


@frozen
class Api:
    """Where one of several APIs of a provider is, and the scopes that a token needs to read it."""

    base_url: str
    scopes: tuple[str, ...] = ()


@frozen
class Apis:
    """APIs by name. The credential is sent to hosts below `domain` only, or to `stand_in` in the place of all of them.

    A stand-in takes the place of scheme and host, and keeps the path.
    """

    by_name: Mapping[str, Api] = field(factory=dict)
    domain: str = ""
    stand_in: str = ""


@frozen
class Endpoint:
    """A provider's API: base URL, how to authenticate, headers that every request carries, and its limits.

    `form` is what its credentials look like, `proof` how one is tried (None where none can be).
    `apis` are the others that it has; `workers/model/apis.py` makes endpoints of them.
    """

    provider: str
    base_url: str
    auth: Auth = Auth()
    headers: Mapping[str, str] = field(factory=dict)
    limits: Limits = Limits()
    form: CredentialForm = field(factory=CredentialForm)
    proof: Proof | None = None
    apis: Apis = Apis()


@frozen
class Read:
    """One paged read: GET (or POST with `body`) of `path` below the endpoint.

    Rows stand at `data_path`, how many there are in all at `total_path` when the provider says so: places as
    `workers/rest/expressions.py` reads them. `key_fields` tell rows apart in receipts; `page_fields` are the places
    of what is wanted of each answer beside its rows. `rules` say what answers mean that their status alone does not.
    With `single_object` one object stands at `data_path`, which is the only row. A long page may come `in_parts`.
    """

    endpoint: Endpoint
    path: str
    params: tuple[tuple[str, str], ...] = ()
    method: str = "GET"
    body: Mapping[str, Any] | None = None
    pagination: Pagination = field(factory=SinglePage)
    data_path: str = ""
    key_fields: tuple[str, ...] = ()
    page_fields: tuple[str, ...] = ()
    total_path: str = ""
    single_object: bool = False
    form: BodyFormat = field(factory=BodyFormat)
    rules: tuple[ResponseRule, ...] = ()
    in_parts: bool = False


@frozen
class Receipt:
    """What one page was: its number from 1, rows, decoded bytes, SHA-256 of the body, the cursor that asked."""

    url: str
    number: int
    rows: int
    bytes: int
    sha256: str
    cursor: str = ""
    first_key: str = ""
    last_key: str = ""
    next_cursor: str = ""


@frozen
class Page:
    """Rows of one page with its receipt. Numbers with a fraction are Decimal, never float.

    `fields` are the answer's page fields by their paths; one that is absent is not among them. Of a `partial` one
    more parts follow; only the last has fields and a receipt that counts all rows, and is kept. `before` are the rows
    of the parts before.
    """

    rows: tuple[Mapping[str, Any], ...]
    receipt: Receipt
    fields: Mapping[str, Any] = field(factory=dict)
    partial: bool = False
    before: int = 0

    @property
    def counted(self) -> tuple[int, int]:
        """Pages and bytes that this adds to what was read: none until the last part."""
        return (0, 0) if self.partial else (1, self.receipt.bytes)
