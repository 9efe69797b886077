"""Reads a list of any Google REST API into a table: a snapshot that takes the place of the one before."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from attrs import evolve

from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.fields import EXTRACTED_AT, with_lineage
from workers.model.page import Read
from workers.model.table import TableSchema
from workers.model.window import DateWindow
from workers.ports import Load, StepContext, StepResult, Written
from workers.processors.gcp.declared import PROJECT, ApiDeclared
from workers.processors.gcp.extraction import Extraction
from workers.processors.gcp.requests import read_of
from workers.processors.gcp.rows import PROJECT_COLUMN, Maker
from workers.rest.tokens import project_of

_PROJECT_ID = re.compile(r"(?:[a-z0-9.-]{1,100}:)?[a-z0-9-]{1,63}\Z")


class GcpApiExtractor:
    """Engine of `gcp.api_extractor`."""

    Config = ApiDeclared

    async def execute(self, config: ApiDeclared, ctx: StepContext) -> StepResult:
        """Read the whole list and publish it; a run that fails leaves the table as it was."""
        table = _table(ctx, config)
        values, same = await _known(ctx, config, table)
        read = _read(ctx, config, values)
        maker = Maker(table, config.flatten, same, config.map.scope_column if config.map else "")
        await ctx.warehouse.ensure(table)
        async with _open(ctx, config, table, same) as load:
            extraction = Extraction(ctx, config, maker, load)
            await extraction.read(read)
            written = await extraction.publish()
        return await _result(ctx, extraction, written)


def _table(ctx: StepContext, config: ApiDeclared) -> TableSchema:
    target = config.destination
    folder = "/".join(str(ctx.variables[name]) for name in ("provider", "domain") if ctx.variables.get(name))
    schema = ctx.schemas.file(target.schema_file, folder) if target.schema_file else ctx.schemas.table(target.table)
    table = with_lineage(evolve(schema, name=target.table))
    scope = (config.map.scope_column,) if config.map else ()
    named = (*config.add_fields, *config.flatten, *config.replace_by, *target.key_fields, *scope)
    missing = [name for name in named if table.column(name) is None]
    if missing:
        raise _invalid(f"table {table.name} has no column {missing[0]}")
    partition = table.column(table.partition) if table.partition else None
    if config.snapshot == "daily" and (partition is None or partition.type != "DATE"):
        raise _invalid(f"table {table.name} is not partitioned by a DATE, which a daily snapshot needs")
    return table


async def _known(
    ctx: StepContext, config: ApiDeclared, table: TableSchema
) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    """Return the path parameters, and the columns that all rows share."""
    project = config.project_id or project_of(await ctx.secret(config.provider), config.provider)
    if not _PROJECT_ID.match(project):
        raise _invalid("project_id is not the id of a project")
    now = ctx.clock.now()
    same: dict[str, Any] = {PROJECT_COLUMN: project, EXTRACTED_AT: now, **config.add_fields}
    if config.snapshot == "daily" and table.partition:
        same[table.partition] = now.date()
    shared = {name: value for name, value in same.items() if table.column(name) is not None}
    return {PROJECT: project, **config.path_params}, shared


def _read(ctx: StepContext, config: ApiDeclared, values: Mapping[str, str]) -> Read:
    try:
        return read_of(config, ctx.endpoint(config.provider), values)
    except ValueError as error:
        raise _invalid(str(error)) from None


def _open(
    ctx: StepContext, config: ApiDeclared, table: TableSchema, same: Mapping[str, Any]
) -> AbstractAsyncContextManager[Load]:
    missing = [name for name in config.replace_by if name not in same]
    if missing:
        raise _invalid(f"replace_by names {missing[0]}, which is not the same for all rows")
    scope = {name: same[name] for name in config.replace_by}
    day = same[table.partition] if config.snapshot == "daily" and table.partition else None
    return ctx.warehouse.restate(
        table,
        DateWindow(day, day) if day else None,
        scope or None,
        allow_shrink=config.allow_shrink or ctx.force_refresh,
        keys=config.destination.key_fields,
    )


async def _result(ctx: StepContext, extraction: Extraction, written: Written) -> StepResult:
    coverage, done = extraction.coverage, extraction.progress
    if not coverage.complete:
        named = ", ".join(coverage.missing) or "nothing by name"
        await ctx.message(f"the answer is not whole (unreachable: {named}); what it does not speak of stays as it was")
    if written.superseded:
        await ctx.message(f"{extraction.maker.table.name}: what a newer run has written was left to it")
    if coverage.warnings:
        ctx.log.warning("provider warned", codes=sorted(coverage.warnings))
    output = {
        "table": extraction.maker.table.name,
        "pages": done.pages,
        "rows_read": done.rows,
        "rows_written": written.rows,
        "scopes": len(coverage.scopes),
        "complete": coverage.complete,
        "unreachable": coverage.missing,
        "warnings": dict(coverage.warnings),
        "superseded": written.superseded,
        "bytes_billed": written.bytes_billed,
    }
    return StepResult(done.rows, done.bytes, output)


def _invalid(message: str) -> FailedError:
    return FailedError(Failure(Code.FAILED_PRECONDITION, Reason.CONFIG_INVALID, message))


def get_engine() -> GcpApiExtractor:
    """Return the engine of `gcp.api_extractor`."""
    return GcpApiExtractor()
