"""Walking the pages of a read: each is checked, receipted, then yielded, and the walk cannot go in circles."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from concurrent.futures import Executor
from contextlib import aclosing
from typing import Any

from attrs import define, evolve

from workers.model.failure import Reason, provider_failed
from workers.model.page import Page, Read, Receipt
from workers.rest.authorised import Authorised
from workers.rest.bodies import BodyFile
from workers.rest.document import Document, DocumentError, at
from workers.rest.egress import Egress
from workers.rest.expressions import ABSENT
from workers.rest.paging import Answer, bad_page, found_at, next_request
from workers.rest.request import Request, first_request
from workers.rest.trail import Trail
from workers.rest.wiring import Wiring

_KEY_LENGTH = 200


class RestReading:
    """One step's way to REST APIs."""

    def __init__(self, calls: Authorised, wiring: Wiring, egress: Egress, threads: Executor) -> None:
        self._calls = calls
        self._threads = threads
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
        trail = Trail(read)
        while request is not None:
            answer = await self._calls.answer(read, request, credential)
            tally = Tally(read.key_fields)
            if answer.file is not None:
                number = trail.number + 1
                async with aclosing(self._parts(read, request, answer, answer.file, tally, number)) as parts:
                    async for part in parts:
                        yield part
                answer = evolve(answer, document=evolve(answer.document, value=answer.file.value))
            tally.add(answer.document.rows)
            following = next_request(read, request, answer, tally.rows)
            trail.step(request, answer, tally.rows, following)
            receipt = _receipt(request, answer.document, tally, following, trail.number)
            page = Page(tally.waiting, receipt, _fields(read, request, answer.document), before=tally.before)
            del answer, tally
            await self._wiring.receipt(page.receipt)
            yield page
            del page
            request = following

    async def _parts(
        self, read: Read, request: Request, answer: Answer, file: BodyFile, tally: Tally, number: int
    ) -> AsyncGenerator[Page, None]:
        """Yield a page in parts, all but the last, which is left in the tally."""
        parts = file.parts(read.form, read.data_path)
        loop = asyncio.get_running_loop()
        try:
            while rows := await loop.run_in_executor(self._threads, next, parts, ()):
                if tally.waiting:
                    receipt = _receipt(request, answer.document, tally, None, number)
                    yield Page(tally.waiting, receipt, partial=True, before=tally.before)
                tally.add(rows)
        except DocumentError as error:
            raise bad_page(request, f"answered with a body that {error}") from None
        finally:
            file.close()

    def _allowed(self, request: Request) -> Request:
        objection = self._egress.objection(request.url)
        if objection:
            raise provider_failed(Reason.CONFIG_INVALID, f"{request.shown}: {objection}", retryable=False)
        return request


@define
class Tally:
    """What is known of the rows of a page that may come in parts; `waiting` are those of the last part."""

    key_fields: tuple[str, ...]
    rows: int = 0
    first_key: str = ""
    last_key: str = ""
    waiting: tuple[Mapping[str, Any], ...] = ()

    @property
    def before(self) -> int:
        """How many rows came before those that wait."""
        return self.rows - len(self.waiting)

    def add(self, rows: tuple[Mapping[str, Any], ...]) -> None:
        """Count a part."""
        if not rows:
            return
        self.first_key = self.first_key if self.rows else _key(rows[0], self.key_fields)
        self.last_key = _key(rows[-1], self.key_fields)
        self.rows += len(rows)
        self.waiting = rows


def _receipt(request: Request, document: Document, tally: Tally, following: Request | None, number: int) -> Receipt:
    return Receipt(
        url=request.shown,
        number=number,
        rows=tally.rows,
        bytes=document.bytes,
        sha256=document.sha256,
        cursor=request.cursor,
        first_key=tally.first_key,
        last_key=tally.last_key,
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
