"""Reads any REST API into a table as its step declares it: pages stream, a page and a batch are held, no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import define, field

from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.fields import FieldError, Fields, Filled
from workers.model.page import Page
from workers.model.run import Progress
from workers.ports import Load, StepContext, StepResult
from workers.processors.generic.declared import ExtractorDeclared
from workers.processors.generic.reads import read_of
from workers.processors.generic.targets import check_keys, contract_of, declared_table, open_load

Rows = Sequence[Mapping[str, Any]]

_FITTED_AT_ONCE = 500  # a longer slice would keep the event loop from its other work


@define
class _Extraction:
    """One read on its way into one load."""

    ctx: StepContext
    declared: ExtractorDeclared
    load: Load
    fields: Fields
    progress: Progress = field(factory=Progress)

    async def take(self, page: Page) -> None:
        """Write the rows of a page, batch by batch."""
        same = Filled(self.ctx.org, self.ctx.clock.now(), page.receipt.sha256)
        for start, rows in _slices(page.rows, min(self.declared.destination.batch_size, _FITTED_AT_ONCE)):
            try:
                fitted = self.fields.rows(list(rows), same)
            except FieldError as error:
                raise _unfit(page, start + error.index, error) from None
            await self.load.write(fitted)
        before = self.progress
        pages, size = (0, 0) if page.partial else (1, page.receipt.bytes)
        self.progress = Progress(before.rows + len(page.rows), before.pages + pages, before.bytes + size)
        await self.ctx.progress(self.progress)


class GenericApiExtractor:
    """Engine of `generic.api_extractor`."""

    Config = ExtractorDeclared

    async def execute(self, config: ExtractorDeclared, ctx: StepContext) -> StepResult:
        """Read all pages and publish them together; a run that fails leaves the table as it was."""
        table = declared_table(ctx, config.destination)
        check_keys(table, config.destination)
        fields = Fields(
            table, contract_of(config, table), config.destination.key_fields, frozenset(config.schema.ignore)
        )
        await ctx.warehouse.ensure(table)
        read = read_of(config, config, config.auth.provider or config.auth.secret_key)
        async with open_load(ctx, config, table) as load:
            extraction = _Extraction(ctx, config, load, fields)
            async for page in ctx.reading.pages(read):
                await extraction.take(page)
            written = await load.publish(complete=True)
        done = extraction.progress
        output = {
            "table": table.name,
            "pages": done.pages,
            "rows_read": done.rows,
            "rows_written": written.rows,
            "superseded": written.superseded,
            "bytes_billed": written.bytes_billed,
        }
        return StepResult(done.rows, done.bytes, output)


def _slices(rows: Rows, size: int) -> Iterator[tuple[int, Rows]]:
    for start in range(0, len(rows), size):
        yield start, rows[start : start + size]


def _unfit(page: Page, index: int, error: FieldError) -> FailedError:
    where = f"{page.receipt.url}: row {index + 1} of page {page.receipt.number}"
    message = f"{where}: column {error.column} {error.why}"
    metadata = {"column": error.column, "row": str(index + 1), "page": str(page.receipt.number)}
    return FailedError(Failure(Code.FAILED_PRECONDITION, Reason.DATA_INVALID, message, metadata=metadata))


def get_engine() -> GenericApiExtractor:
    """Return the engine of `generic.api_extractor`."""
    return GenericApiExtractor()
