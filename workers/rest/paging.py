"""What the next request is: a pure function of the request, the answer and how the API pages."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, assert_never

from attrs import evolve, frozen

from workers.model.failure import FailedError, Reason, provider_failed
from workers.model.page import Read
from workers.model.pagination import CursorPages, LinkPages, NumberPages, OffsetPages, SinglePage
from workers.rest.bodies import BodyFile
from workers.rest.document import Document, DocumentError, at
from workers.rest.expressions import ABSENT
from workers.rest.links import followed, next_in_header
from workers.rest.request import Request, counted, with_parameter

CURSOR_BYTES = 4096


@frozen
class Answer:
    """A page that came: its document, and the Link header it came with.

    With a `file` its rows are still to be read from there, and the document has none; `ignored` says that it counts
    for nothing and ends the walk.
    """

    document: Document
    link: str = ""
    file: BodyFile | None = None
    ignored: bool = False


def next_request(read: Read, request: Request, answer: Answer, rows: int) -> Request | None:
    """Return the request of the page after one of so many rows, None after the last.

    Raises FailedError(PROVIDER_BAD_RESPONSE).
    """
    if answer.ignored:
        return None
    match read.pagination:
        case SinglePage():
            return None
        case CursorPages() as pages:
            return _by_cursor(pages, request, answer.document.value)
        case OffsetPages(param=param, limit=limit) as pages:
            more = _full(request, rows, limit) or (pages.until_empty and rows > 0)
            return counted(request, param, request.position + rows) if more else None
        case NumberPages(param=param, limit=limit) as pages:
            more = (_full(request, rows, limit) if limit else rows > 0) or (pages.until_empty and rows > 0)
            return counted(request, param, request.position + 1) if more else None
        case LinkPages() as pages:
            return _by_link(pages, request, answer)
        case never:
            assert_never(never)


def _by_cursor(pages: CursorPages, request: Request, value: Any) -> Request | None:
    if pages.more_path and not _has_more(pages.more_path, request, value):
        return None
    cursor = found_at(request, value, pages.path)
    if cursor is ABSENT or cursor is None or cursor == "":
        if pages.more_path:
            raise bad_page(request, f"says there is more but has no cursor at {pages.path!r}")
        return None
    if isinstance(cursor, bool) or not isinstance(cursor, (str, int)):
        raise bad_page(request, f"has a cursor at {pages.path!r} that is not a string")
    cursor = str(cursor)
    if len(cursor.encode()) > CURSOR_BYTES:
        raise bad_page(request, f"has a cursor of more than {CURSOR_BYTES} bytes")
    return evolve(with_parameter(request, pages.param, cursor), cursor=cursor)


def _has_more(path: str, request: Request, value: Any) -> bool:
    more = found_at(request, value, path)
    if not isinstance(more, bool):
        raise bad_page(request, f"does not say at {path!r} whether there is more")
    return more


def _full(request: Request, rows: int, limit: int) -> bool:
    if rows > limit:
        raise bad_page(request, f"has {rows} rows where {limit} were asked for")
    return rows == limit


def _by_link(pages: LinkPages, request: Request, answer: Answer) -> Request | None:
    link = found_at(request, answer.document.value, pages.path) if pages.path else next_in_header(answer.link)
    if link is ABSENT or link is None or link == "":
        return None
    if not isinstance(link, str):
        raise bad_page(request, f"has a next link at {pages.path!r} that is not a string")
    target = followed(request.url, link) if len(link) <= CURSOR_BYTES else None
    if target is None:
        raise bad_page(request, "has a next link that leaves its scheme and host or cannot be followed")
    # A link may carry a token of its own, so receipts keep its digest.
    return evolve(request, url=target, cursor=f"sha256:{sha256(str(target).encode()).hexdigest()[:32]}")


def found_at(request: Request, value: Any, path: str) -> Any:
    """Return what stands at a place of a page, ABSENT when nothing does."""
    try:
        return at(value, path)
    except DocumentError as error:
        raise bad_page(request, str(error)) from None


def bad_page(request: Request, what: str, *, retryable: bool = False) -> FailedError:
    """Build the error of a page that cannot be believed."""
    message = f"{request.method} {request.shown}: {what}"
    return provider_failed(Reason.PROVIDER_BAD_RESPONSE, message, retryable=retryable)
