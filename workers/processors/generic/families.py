"""Pages of children: one read for every row of a parent, a few at once, each page with what it inherits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from attrs import frozen

from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.page import Page
from workers.ports import StepContext
from workers.processors.generic.declared import ExtractorDeclared, ParentDeclared
from workers.processors.generic.names import child_of
from workers.processors.generic.reads import Reads
from workers.processors.generic.side_by_side import side_by_side
from workers.rest.shaping import Shape, ShapeError

Row = Mapping[str, Any]
Take = Callable[[Page, Row], Awaitable[None]]


@frozen
class Family:
    """Reads the children of one step; `more` are parameters of each child's read."""

    ctx: StepContext
    declared: ExtractorDeclared
    parent: ParentDeclared
    more: Mapping[str, str]

    async def read(self, take: Take) -> int:
        """Hand every page on, one at a time, with what its rows inherit; return how many parents there were."""
        turn = asyncio.Lock()
        waiting: asyncio.Queue[Row | None] = asyncio.Queue(self.parent.concurrency)
        counted = [0]

        async def parents() -> None:
            reads = Reads(self.declared, self.ctx.endpoint)
            async for page in self.ctx.reading.pages(reads.of(self.parent)):
                for index, row in enumerate(page.rows):
                    counted[0] += 1
                    await waiting.put(self._names(page, index, row))
            for _ in range(self.parent.concurrency):
                await waiting.put(None)

        async def children() -> None:
            while (found := await waiting.get()) is not None:
                await self._read_one(found, turn, take)

        await side_by_side(parents(), *(children() for _ in range(self.parent.concurrency)))
        return counted[0]

    async def first(self) -> AsyncIterator[Page]:
        """Yield the pages of the first parent's children."""
        reads = Reads(self.declared, self.ctx.endpoint)
        async for page in self.ctx.reading.pages(reads.of(self.parent)):
            if page.rows:
                async for child in self._pages(self._names(page, 0, page.rows[0])):
                    yield child
                return

    async def _read_one(self, found: Row, turn: asyncio.Lock, take: Take) -> None:
        inherited = {name: found[name] for name in self.parent.include}
        async for page in self._pages(found):
            async with turn:
                await take(page, inherited)

    def _pages(self, found: Row) -> AsyncIterator[Page]:
        try:
            child = child_of(self.declared, found)
        except ValueError as error:
            raise _invalid(str(error)) from None
        return self.ctx.reading.pages(Reads(child, self.ctx.endpoint).of(child, self.more))

    def _names(self, page: Page, index: int, row: Row) -> Row:
        where = f"{page.receipt.url}: row {page.before + index + 1} of page {page.receipt.number}"
        try:
            found = Shape(self.parent.fields).columns(row)
        except ShapeError as error:
            raise _invalid(f"{where}: {error}") from None
        absent = [name for name, value in found.items() if value is None]
        if absent:
            raise _invalid(f"{where}: has nothing at {self.parent.fields[absent[0]]!r}, which names its children")
        return found


def _invalid(message: str) -> FailedError:
    return FailedError(Failure(Code.FAILED_PRECONDITION, Reason.DATA_INVALID, message))
