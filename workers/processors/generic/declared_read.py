"""How a step declares one read of an API: where, with which credential, how it pages and what its answers mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from attrs import Attribute, field, frozen
from attrs.validators import and_, ge, le, max_len, optional

from workers.model.page import TOKEN_KINDS
from workers.rest.expressions import expression

Scalar = str | int | float | bool | None

_CREDENTIAL = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}\Z")
_PARAMETER = re.compile(r"[\x21-\x7e]{1,100}\Z")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}\Z")
_NEVER_HEADERS = frozenset({"host", "connection", "content-length", "transfer-encoding", "cookie", "metadata-flavor"})

Validator = Callable[[Any, "Attribute[Any]", Any], None]


def between(low: float, high: float) -> Validator:
    """Check bounds, both included."""
    return and_(ge(low), le(high))


def is_place(_owner: Any, attribute: Attribute[str], text: str) -> None:
    """Check that a text is dotted keys or JMESPath."""
    try:
        expression(text)
    except ValueError as error:
        raise ValueError(f"'{attribute.name}' {error}") from None


def are_places(_owner: Any, attribute: Attribute[Mapping[str, str]], places: Mapping[str, str]) -> None:
    """Check places by name."""
    for name, place in places.items():
        try:
            expression(place)
        except ValueError as error:
            raise ValueError(f"'{attribute.name}' {name[:80]} {error}") from None


def _is_url(_owner: Any, attribute: Attribute[str], url: str) -> None:
    try:
        parts = urlsplit(url)
        fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.fragment
    except ValueError:
        fine = False
    if not fine or re.search(r"[\s\\]", url):
        raise ValueError(f"'{attribute.name}' must be an absolute URL such as https://api.vendor.com/v1/users")


def _is_url_if_given(owner: Any, attribute: Attribute[str], url: str) -> None:
    if url:
        _is_url(owner, attribute, url)


def _is_path(_owner: Any, attribute: Attribute[str], path: str) -> None:
    if path and (not path.startswith("/") or set("?#\\ ") & set(path)):
        raise ValueError(f"'{attribute.name}' begins with / and has no query, which goes in params")


def is_credential(_owner: Any, attribute: Attribute[str], name: str) -> None:
    """Check that a text is a name that credentials are stored under."""
    if name and not _CREDENTIAL.match(name):
        raise ValueError(f"'{attribute.name}' must be the name that a credential is stored under, not {name[:80]!r}")


def is_parameter(_owner: Any, attribute: Attribute[str], name: str) -> None:
    """Check that a text can be the name of a parameter."""
    if name and not _PARAMETER.match(name):
        raise ValueError(f"'{attribute.name}' must be the name of a parameter, not {name[:80]!r}")


def _is_delimiter(_owner: Any, attribute: Attribute[str], text: str) -> None:
    if len(text) != 1 or text in '"\r\n':
        raise ValueError(f"'{attribute.name}' is one character, and no quote or end of line")


def _listed(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


@frozen
class AuthDeclared:
    """How the credential is sent; `name` is the header (X-API-Key) or query parameter (api_key) of those types.

    The credential is the one stored under `provider`; `secret_key` names one that an earlier step of the run made.
    Of service_account and the oauth2 types it is exchanged at `token_url` for an access token, as `model.page.Auth`
    says.
    """

    type: Literal[
        "bearer", "header", "query", "basic", "none",
        "service_account", "oauth2_client_credentials", "oauth2_refresh_token",
    ]  # fmt: skip
    provider: str = field(default="", validator=is_credential)
    secret_key: str = field(default="", validator=is_credential)
    name: str = ""
    token_url: str = field(default="", validator=_is_url_if_given)
    scopes: tuple[str, ...] = field(default=(), validator=max_len(50))
    audience: str = ""
    client_auth: Literal["basic", "body"] = "basic"

    def __attrs_post_init__(self) -> None:
        if (self.type == "none") is bool(self.provider or self.secret_key):
            raise ValueError("'provider' names the stored credential of every type but none")
        if self.name and self.type not in {"header", "query"}:
            raise ValueError(f"'name' is for the types header and query, not {self.type}")
        if self.type == "header" and self.name:
            self._check_header()
        if self.type == "query" and self.name and not _PARAMETER.match(self.name):
            raise ValueError("'name' is not the name of a parameter")
        if (self.type in TOKEN_KINDS) is not bool(self.token_url):
            raise ValueError("'token_url' goes with service_account and the oauth2 types, which need it")

    def _check_header(self) -> None:
        if not _HEADER.match(self.name) or self.name.lower() in _NEVER_HEADERS:
            raise ValueError(f"'name' is not a header that may carry a credential: {self.name[:80]!r}")


@frozen
class PaginationDeclared:
    """How the API pages.

    `cursor` sends what stands at `response_path` as `param`; `offset` and `page` count in `param`; `link` follows the
    URL at `response_path`, or that of the Link header. `stop`: which page is the last of those that count.
    """

    type: Literal["cursor", "offset", "page", "link", "none"]
    param: str = field(default="", validator=is_parameter)
    response_path: str = field(default="", validator=is_place)
    more_path: str = field(default="", validator=is_place)
    total_path: str = field(default="", validator=is_place)
    limit: int | None = field(default=None, validator=optional(between(1, 100_000)))
    limit_param: str = field(default="limit", validator=is_parameter)
    first: int = field(default=1, validator=between(0, 1_000_000))
    stop: Literal["empty_page", "short_page"] = "empty_page"
    max_pages: int = field(default=100_000, validator=between(1, 10_000_000))

    def __attrs_post_init__(self) -> None:
        if self.type == "cursor" and not (self.param and self.response_path):
            raise ValueError("'type' cursor needs param and response_path")
        if self.more_path and self.type != "cursor":
            raise ValueError("'more_path' is for type cursor")
        if self.type == "offset" and not self.limit:
            raise ValueError("'limit' is needed by type offset: how many rows a page may have")
        if self.stop == "short_page" and not self.limit:
            raise ValueError("'stop' short_page needs a limit to compare with")


@frozen
class ResponseDeclared:
    """What an answer means to this step: those with `status` whose body `contains` a text, or holds true at `when`.

    `ignore` counts as a page without rows, after which there are none; `refresh_token` asks for a new access token.
    """

    action: Literal["ignore", "retry", "fail", "refresh_token", "rate_limited"]
    status: Any = field(default=(), converter=_listed)
    contains: str = field(default="", validator=max_len(500))
    when: str = field(default="", validator=is_place)
    message: str = field(default="", validator=max_len(500))

    def __attrs_post_init__(self) -> None:
        for one in self.status:
            if isinstance(one, bool) or not isinstance(one, int) or one not in range(200, 600):
                raise ValueError("'status' is a status from 200 to 599, or a list of them")
        if not self.status and not (self.contains or self.when):
            raise ValueError("'action' needs a status, contains or when to speak of")
        if set(self.status) & {200} and not (self.contains or self.when):
            raise ValueError("'status' 200 needs contains or when: else nothing would ever be read")


@frozen
class ReadDeclared:
    """One read: where, how it is asked, how it pages, and where its rows stand.

    `url` is the whole address; `path` is one below the base URL of a registered provider.
    """

    url: str = field(default="", validator=_is_url_if_given)
    path: str = field(default="", validator=_is_path)
    method: Literal["GET", "POST"] = "GET"
    params: Mapping[str, Scalar | tuple[Scalar, ...]] = field(factory=dict, validator=max_len(200))
    headers: Mapping[str, str] = field(factory=dict, validator=max_len(50))
    body: Mapping[str, Any] | None = None
    pagination: PaginationDeclared = PaginationDeclared("none")
    data_path: str = field(default="", validator=is_place)
    format: Literal["json", "ndjson", "csv"] = "json"
    delimiter: str = field(default=",", validator=_is_delimiter)
    compression: Literal["none", "gzip"] = "none"
    responses: tuple[ResponseDeclared, ...] = field(default=(), validator=max_len(50))

    def __attrs_post_init__(self) -> None:
        if bool(self.url) is bool(self.path):
            raise ValueError("either 'url' or, for a registered provider, 'path' says what is read")
        if self.body is not None and self.method != "POST":
            raise ValueError("'body' goes with method POST")
        pages = self.pagination
        if self.format != "json" and (pages.type == "cursor" or pages.total_path or pages.response_path):
            raise ValueError(f"'pagination' looks into the body for what comes next, and {self.format} has only rows")
        if self.format == "csv" and self.data_path:
            raise ValueError("'data_path' is for json and ndjson")
