"""One list on its way from Google's pages into one load, and what is published of it."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from workers.model.failure import Reason, provider_failed
from workers.model.page import Page, Read
from workers.model.run import Progress
from workers.ports import Load, Reached, StepContext, Written
from workers.processors.gcp.coverage import Coverage
from workers.processors.gcp.declared import ApiDeclared
from workers.processors.gcp.rows import Maker, scoped_rows

MOST_KEYS = 50_000
_BATCH = 500  # a longer one would keep the event loop from its other work


@define
class Extraction:
    """Reads and publishes; `keys` are those of a flat list's rows, as long as they are few."""

    ctx: StepContext
    declared: ApiDeclared
    maker: Maker
    load: Load
    coverage: Coverage = field(factory=Coverage)
    progress: Progress = field(factory=Progress)
    keys: set[str] = field(factory=set)

    async def read(self, read: Read) -> None:
        """Read every page until there is no token for another one, however empty pages are."""
        async for page in self.ctx.reading.pages(read):
            count = await self._take(page)
            before = self.progress
            self.progress = Progress(before.rows + count, before.pages + 1, before.bytes + page.receipt.bytes)
            await self.ctx.progress(self.progress)

    async def _take(self, page: Page) -> int:
        batch: list[dict[str, Any]] = []
        count = 0
        for count, scoped in enumerate(scoped_rows(page, self.declared.map, self.coverage), 1):
            batch.append(self.maker.row(scoped, page, count))
            if len(batch) == _BATCH:
                await self._write(batch)
                batch = []
        await self._write(batch)
        return count

    async def publish(self) -> Written:
        """Publish; of an incomplete answer only what it reached."""
        if self.coverage.complete:
            return await self.load.publish()
        if self.declared.map is not None:
            reached = Reached(self.declared.map.scope_column, self.coverage.reached)
            return await self.load.publish(complete=False, reached=reached)
        keys = self.declared.destination.key_fields
        if len(keys) != 1 or len(self.keys) > MOST_KEYS:
            raise provider_failed(
                Reason.PROVIDER_UNAVAILABLE,
                f"the list is not whole ({', '.join(self.coverage.missing) or 'no names'}), and without one key field "
                "nothing tells which rows it leaves out",
                retryable=True,
            )
        return await self.load.publish(complete=False, reached=Reached(keys[0], tuple(sorted(self.keys))))

    async def _write(self, rows: list[dict[str, Any]]) -> None:
        if len(self.declared.destination.key_fields) == 1 and len(self.keys) <= MOST_KEYS:
            key = self.declared.destination.key_fields[0]
            self.keys.update(str(row[key]) for row in rows)
        await self.load.write(rows)
