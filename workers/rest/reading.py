"""Walking the pages of a read: each is checked, receipted, then yielded, and the walk cannot go in circles."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from workers.model.failure import Reason, provider_failed
from workers.model.page import Page, Read, Receipt
from workers.model.pagination import NumberPages, OffsetPages
from workers.rest.authorised import Authorised
from workers.rest.document import Document, at
from workers.rest.egress import Egress
from workers.rest.expressions import ABSENT
from workers.rest.paging import Answer, bad_page, found_at, next_request
from workers.rest.request import Request, first_request
from workers.rest.wiring import Wiring

_KEY_LENGTH = 200


class RestReading:
    """One step's way to REST APIs."""

    def __init__(self, calls: Authorised, wiring: Wiring, egress: Egress) -> None:
        self._calls = calls
        self._wiring = wiring
        self._egress = egress

    async def pages(self, read: Read) -> AsyncGenerator[Page, None]:
        """Yield pages until the last.

        Raises FailedError: PROVIDER_…, CONFIG_INVALID for a URL that may not be asked, CREDENTIAL_INVALID; or
        SnoozeError when waiting would hold the slot too long. The next page is asked for when it is wanted.
        """
        first = self._allowed(first_request(read))
        credential = await self._calls.credential(read)
        await self._calls.poll(read, first)
        request: Request | None = first
        trail = _Trail(read)
        while request is not None:
            answer = await self._calls.answer(read, request, credential)
            following = next_request(read, request, answer)
            trail.step(request, answer.document, following)
            receipt = _receipt(read, request, answer, following, trail.number)
            page = Page(answer.document.rows, receipt, _fields(read, request, answer.document))
            del answer
            await self._wiring.receipt(page.receipt)
            yield page
            del page
            request = following

    def _allowed(self, request: Request) -> Request:
        objection = self._egress.objection(request.url)
        if objection:
            raise provider_failed(Reason.CONFIG_INVALID, f"{request.shown}: {objection}", retryable=False)
        return request


class _Trail:
    """Where the walk has been: a request never comes twice, and pages are bounded."""

    def __init__(self, read: Read) -> None:
        self.number = 0
        self._rows = 0
        self._total = read.total_path
        self._most = read.endpoint.limits.pages
        # A server that ignores an offset or page number gives the same page for ever.
        self._counts = isinstance(read.pagination, (OffsetPages, NumberPages))
        self._asked: set[bytes] = set()
        self._digest = ""

    def step(self, request: Request, document: Document, following: Request | None) -> None:
        self.number += 1
        self._rows += len(document.rows)
        if not self._counts:
            self._asked.add(request.identity)
        if self._counts and document.rows and document.sha256 == self._digest:
            raise bad_page(request, "gave the same page twice")
        self._digest = document.sha256
        if following is None:
            self._complete(request, document)
            return
        if following.identity in self._asked:
            raise bad_page(request, "names a next page that was read before")
        if self.number >= self._most:
            raise bad_page(request, f"has more than {self._most} pages")

    def _complete(self, request: Request, document: Document) -> None:
        """Compare with what the last page says there is in all; rows that came late or twice do no harm."""
        if not self._total:
            return
        total = found_at(request, document.value, self._total)
        if isinstance(total, bool) or not isinstance(total, int):
            raise bad_page(request, f"does not say at {self._total!r} how many rows there are")
        if self._rows < total:
            raise bad_page(request, f"says there are {total} rows, but {self._rows} came", retryable=True)


def _receipt(read: Read, request: Request, answer: Answer, following: Request | None, number: int) -> Receipt:
    document = answer.document
    rows = document.rows
    return Receipt(
        url=request.shown,
        number=number,
        rows=len(rows),
        bytes=document.bytes,
        sha256=document.sha256,
        cursor=request.cursor,
        first_key=_key(rows[0], read.key_fields) if rows else "",
        last_key=_key(rows[-1], read.key_fields) if rows else "",
        next_cursor=following.cursor if following else "",
    )


def _fields(read: Read, request: Request, document: Document) -> Mapping[str, Any]:
    found = {path: found_at(request, document.value, path) for path in read.page_fields}
    return {path: value for path, value in found.items() if value is not ABSENT}


def _key(row: Mapping[str, Any], fields: tuple[str, ...]) -> str:
    if not fields:
        return ""
    values = (at(row, name) for name in fields)
    found = [None if value is ABSENT else value for value in values]
    return json.dumps(found, default=str, separators=(",", ":"))[:_KEY_LENGTH]
