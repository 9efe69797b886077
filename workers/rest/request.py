"""One request as a value: where it goes without its secret, and what the receipt says asked for the page."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from json import dumps
from typing import Any

from attrs import evolve, frozen
from yarl import URL

from workers.model.failure import FailedError, Reason, provider_failed
from workers.model.page import Read
from workers.model.pagination import NumberPages, OffsetPages


@frozen
class Request:
    """`url` carries the whole query but no secret; `position` is the offset or page number of kinds that count."""

    method: str
    url: URL
    body: Mapping[str, Any] | None = None
    cursor: str = ""
    position: int = 0

    @property
    def shown(self) -> str:
        """The URL without query and fragment: all of it that a message, a log or a receipt may name."""
        return bare(self.url)

    @property
    def identity(self) -> bytes:
        """What makes two requests the same."""
        return sha256(f"{self.method} {self.url} {dumps(self.body, default=str)}".encode()).digest()


def bare(url: URL) -> str:
    """Write a URL without user-info, query and fragment."""
    return str(url.origin()) + url.raw_path


def first_request(read: Read) -> Request:
    """Build the request of the first page; raises FailedError(CONFIG_INVALID)."""
    url = _address(read).with_query(list(read.params))
    plain = Request(read.method, url, dict(read.body) if read.body is not None else None)
    match read.pagination:
        case OffsetPages(limit_param=limit_param, limit=limit) as pages:
            if limit < 1:
                raise _invalid(read.endpoint.provider, "a limit must be at least 1")
            return counted(with_parameter(plain, limit_param, limit), pages.param, 0)
        case NumberPages(limit_param=limit_param, limit=limit) as pages:
            sized = with_parameter(plain, limit_param, limit) if limit_param and limit else plain
            return counted(sized, pages.param, pages.first)
        case _:
            return plain


def counted(request: Request, name: str, position: int) -> Request:
    """Ask for the page at a position."""
    return evolve(with_parameter(request, name, position), cursor=str(position), position=position)


def with_parameter(request: Request, name: str, value: str | int) -> Request:
    """Set a parameter: in the body of a POST that has one, else in the query."""
    if request.body is not None:
        return evolve(request, body={**request.body, name: value})
    kept = [(key, old) for key, old in request.url.query.items() if key != name]
    return evolve(request, url=request.url.with_query([*kept, (name, str(value))]))


def _address(read: Read) -> URL:
    base, path = read.endpoint.base_url.rstrip("/"), read.path.lstrip("/")
    provider = read.endpoint.provider
    if read.method not in {"GET", "POST"}:
        raise _invalid(provider, "a read is a GET or a POST")
    if set("?#\\") & set(path) or {".", ".."} & set(path.lower().replace("%2e", ".").split("/")):
        raise _invalid(provider, "a path holds plain segments only")
    try:
        url = URL(f"{base}/{path}" if path else base)
    except ValueError:
        raise _invalid(provider, "its base URL is not a URL") from None
    if not url.absolute or not url.scheme or url.raw_query_string or url.raw_fragment:
        raise _invalid(provider, "its base URL has to be absolute and without a query")
    return url


def _invalid(provider: str, what: str) -> FailedError:
    return provider_failed(Reason.CONFIG_INVALID, f"{provider}: {what}", retryable=False)
