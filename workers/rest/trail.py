"""Where a walk over pages has been: a request never comes twice, and pages are bounded."""

from __future__ import annotations

from workers.model.page import Read
from workers.model.pagination import NumberPages, OffsetPages
from workers.rest.document import Document
from workers.rest.paging import Answer, bad_page, found_at
from workers.rest.request import Request


class Trail:
    """The walk of one read; `number` pages have come."""

    def __init__(self, read: Read) -> None:
        self.number = 0
        self._rows = 0
        self._total = read.total_path
        self._most = read.endpoint.limits.pages
        # A server that ignores an offset or page number gives the same page for ever.
        self._counts = isinstance(read.pagination, (OffsetPages, NumberPages))
        self._asked: set[bytes] = set()
        self._digest = ""

    def step(self, request: Request, answer: Answer, rows: int, following: Request | None) -> None:
        """Go on to the page that follows. Raises FailedError(PROVIDER_BAD_RESPONSE)."""
        document = answer.document
        self.number += 1
        self._rows += rows
        if not self._counts:
            self._asked.add(request.identity)
        if self._counts and rows and document.sha256 == self._digest:
            raise bad_page(request, "gave the same page twice")
        self._digest = document.sha256
        if following is None:
            if not answer.ignored:
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
