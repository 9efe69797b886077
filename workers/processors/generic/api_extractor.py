"""Reads any REST API into a table as its step declares it: pages stream, a page and a batch are held, no more.

`declared` is what a step may say → `reading_on` where this run begins → `reads` what is asked, `families` of one
parent after another → `sink` the rows' way into the table, which `targets` knows, declares or makes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any

from attrs import define, field

from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.page import Page
from workers.model.run import Progress
from workers.ports import StepContext, StepResult, Written
from workers.processors.generic.declared import ExtractorDeclared
from workers.processors.generic.families import Family
from workers.processors.generic.reading_on import ReadingOn, reading_on
from workers.processors.generic.reads import Reads
from workers.processors.generic.sink import Sink
from workers.processors.generic.targets import Target
from workers.processors.generic.unhurried import unhurried
from workers.rest.shaping import Shape, ShapeError


@define
class _Extraction:
    """What has come so far."""

    ctx: StepContext
    on: ReadingOn
    sink: Sink
    shape: Shape
    progress: Progress = field(factory=Progress)

    async def take(self, page: Page, inherited: Mapping[str, Any]) -> None:
        await self.on.see(page)
        shaped = bool(inherited or self.shape.flatten or self.shape.add)
        await self.sink.take(page, await self._all_shaped(page, inherited) if shaped else page.rows)
        before = self.progress
        pages, size = page.counted
        self.progress = Progress(before.rows + len(page.rows), before.pages + pages, before.bytes + size)
        await self.ctx.progress(self.progress)

    async def _all_shaped(self, page: Page, inherited: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        return [self._shaped(page, row, inherited) async for _, row in unhurried(page.rows)]

    def _shaped(self, page: Page, row: Mapping[str, Any], inherited: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a row with what it inherits, what is found deep in it, and what is the same for all."""
        own = [name for name, value in inherited.items() if row.get(name, value) != value]
        if own:
            raise _invalid(f"{page.receipt.url}: a row has a {own[0]} of its own, another than its parent's")
        try:
            return {**row, **inherited, **self.shape.columns(row)}
        except ShapeError as error:
            raise _invalid(f"{page.receipt.url}: flatten {error}") from None


class GenericApiExtractor:
    """Engine of `generic.api_extractor`."""

    Config = ExtractorDeclared

    async def execute(self, config: ExtractorDeclared, ctx: StepContext) -> StepResult:
        """Read all pages and publish them together; a run that fails leaves the table as it was."""
        on = await reading_on(config.incremental, ctx)
        window = on.window if config.destination.write_mode == "overwrite" else None
        async with AsyncExitStack() as stack:
            sink = Sink(Target(ctx, config, window), stack)
            await sink.begin()
            extraction = _Extraction(ctx, on, sink, Shape(config.flatten, config.add_fields))
            parents = await _read(config, ctx, on, extraction)
            written = await sink.publish()
        await on.tell(ctx)
        if written is None:
            await ctx.message(f"no row came, and so table {config.destination.table} was not made")
        elif written.superseded:
            await ctx.message(f"{config.destination.table}: what a newer run has written was left to it")
        done = extraction.progress
        output = _output(config, done, written) | ({"parents": parents} if config.parent else {})
        return StepResult(done.rows, done.bytes, output, on.bookmark)

    async def preview(self, config: ExtractorDeclared, ctx: StepContext) -> AsyncIterator[Page]:
        """Yield the pages that a run would read first, of children those of the first parent."""
        on = await reading_on(config.incremental, ctx)
        if config.parent is not None:
            async for page in Family(ctx, config, config.parent, on.params).first():
                yield page
            return
        async for page in ctx.reading.pages(Reads(config, ctx.endpoint).of(config, on.params)):
            yield page


async def _read(config: ExtractorDeclared, ctx: StepContext, on: ReadingOn, extraction: _Extraction) -> int:
    """Read all pages; return how many parents they are of."""
    if config.parent is not None:
        return await Family(ctx, config, config.parent, on.params).read(extraction.take)
    async for page in ctx.reading.pages(Reads(config, ctx.endpoint).of(config, on.params)):
        await extraction.take(page, {})
    return 0


def _invalid(message: str) -> FailedError:
    return FailedError(Failure(Code.FAILED_PRECONDITION, Reason.DATA_INVALID, message))


def _output(config: ExtractorDeclared, done: Progress, written: Written | None) -> dict[str, Any]:
    written = written or Written(0)
    return {
        "table": config.destination.table,
        "pages": done.pages,
        "rows_read": done.rows,
        "rows_written": written.rows,
        "adopted": written.adopted,
        "superseded": written.superseded,
        "bytes_billed": written.bytes_billed,
    }


def get_engine() -> GenericApiExtractor:
    """Return the engine of `generic.api_extractor`."""
    return GenericApiExtractor()
