"""From what a step declares to the read that is asked of `rest`. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from math import ceil
from urllib.parse import parse_qsl, urlsplit

from attrs import evolve, frozen

from workers.model.body import BodyFormat, ResponseRule
from workers.model.page import Auth, Endpoint, Limits, Read
from workers.model.pagination import CursorPages, LinkPages, NumberPages, OffsetPages, Pagination, SinglePage
from workers.processors.generic.declared import ExtractorDeclared
from workers.processors.generic.declared_read import AuthDeclared, PaginationDeclared, ReadDeclared, Scalar

_NAMES = {"header": "X-API-Key", "query": "api_key"}
_NOBODY = "GENERIC"  # a label of metrics: no host may stand there
_MIB = 1024 * 1024


@frozen
class Reads:
    """Makes the reads of one step; `endpoint` finds a registered provider's API."""

    whole: ExtractorDeclared
    endpoint: Callable[[str], Endpoint]

    def of(self, declared: ReadDeclared, more: Mapping[str, str] | None = None) -> Read:
        """Return the read of the step or of its parent, with `more` parameters."""
        endpoint, path, query = self._address(declared)
        given = tuple((more or {}).items())
        in_body = declared.body is not None
        return Read(
            endpoint,
            path,
            params=(*query, *_sizes(declared.pagination), *_params(declared), *(() if in_body else given)),
            method=declared.method,
            body={**declared.body, **dict(given)} if declared.body is not None else None,
            pagination=_pagination(declared.pagination),
            data_path=declared.data_path,
            key_fields=self.whole.destination.key_fields,
            total_path=declared.pagination.total_path,
            form=BodyFormat(declared.format, declared.delimiter, gzipped=declared.compression == "gzip"),
            rules=tuple(self._rules(declared)),
            in_parts=True,
        )

    def _address(self, declared: ReadDeclared) -> tuple[Endpoint, str, list[tuple[str, str]]]:
        if declared.path:
            known = self.endpoint(self.whole.provider)
            limits = evolve(known.limits, pages=declared.pagination.max_pages)
            return evolve(known, headers={**known.headers, **declared.headers}, limits=limits), declared.path, []
        parts = urlsplit(declared.url)
        auth = self.whole.auth
        credential = auth.provider or auth.secret_key
        base_url = f"{parts.scheme}://{parts.netloc}"
        limits = _limits(declared, self.whole)
        endpoint = Endpoint(credential or _NOBODY, base_url, _auth(auth, credential), declared.headers, limits)
        return endpoint, parts.path, parse_qsl(parts.query, keep_blank_values=True)

    def _rules(self, declared: ReadDeclared) -> Iterator[ResponseRule]:
        for one in declared.responses:
            yield ResponseRule(one.action, one.status, one.contains, one.when, one.message)
        if not self.whole.rate_limit.retry_on_429:
            yield ResponseRule("fail", (int(HTTPStatus.TOO_MANY_REQUESTS),), message="answered 429: too many requests")


def _auth(declared: AuthDeclared, credential: str) -> Auth:
    return Auth(
        declared.type,
        declared.name or _NAMES.get(declared.type, ""),
        credential,
        declared.secret_key,
        declared.token_url,
        declared.scopes,
        declared.audience,
        declared.client_auth,
    )


def _limits(declared: ReadDeclared, whole: ExtractorDeclared) -> Limits:
    rate = whole.rate_limit
    return Limits(
        requests_per_minute=rate.requests_per_second * 60,
        burst=rate.burst or max(1, ceil(rate.requests_per_second)),
        page_bytes=whole.max_page_mb * _MIB,
        request_seconds=whole.timeout_seconds,
        pages=declared.pagination.max_pages,
    )


def _params(declared: ReadDeclared) -> Iterator[tuple[str, str]]:
    for name, value in declared.params.items():
        for one in value if isinstance(value, tuple | list) else (value,):
            if one is not None:
                yield name, _text(one)


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _sizes(pages: PaginationDeclared) -> Iterator[tuple[str, str]]:
    """Yield the page size where paging itself does not set it."""
    if pages.limit and pages.limit_param and pages.type in {"cursor", "link"}:
        yield pages.limit_param, str(pages.limit)


def _pagination(pages: PaginationDeclared) -> Pagination:
    until_empty = pages.stop == "empty_page"
    match pages.type:
        case "cursor":
            return CursorPages(pages.param, pages.response_path, pages.more_path)
        case "offset":
            return OffsetPages(pages.param or "offset", pages.limit_param, pages.limit or 1, until_empty=until_empty)
        case "page":
            limit = pages.limit or 0
            return NumberPages(pages.param or "page", pages.first, pages.limit_param, limit, until_empty=until_empty)
        case "link":
            return LinkPages(pages.response_path)
        case "none":
            return SinglePage()
