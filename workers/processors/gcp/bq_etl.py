"""Copies an organisation's Cloud Billing export, day by day, as far as it has changed since it was copied last.

What is kept is the state: of each day the time up to which it had been exported, and its rows. So a day counts as
read when it is published and not before, whoever did it, and a day that somebody emptied is read again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve

from workers.model.table import TableSchema
from workers.model.table_path import TablePath
from workers.ports import Source, StepContext, StepResult
from workers.processors.days import tell_of_newer
from workers.processors.gcp.billing_copy import BillingCopy
from workers.processors.gcp.billing_declared import BillingDeclared
from workers.processors.gcp.export_sql import ExportSql, clauses
from workers.processors.gcp.export_tables import export_tables, granted_file, granted_tables

_GIB = 1024**3


class GcpBqEtl:
    """Engine of `gcp.bq_etl`."""

    Config = BillingDeclared

    async def execute(self, config: BillingDeclared, ctx: StepContext) -> StepResult:
        """Publish every changed day whole; what was published stays so when a later day fails."""
        table = _table(config, ctx)
        source = await ctx.warehouse_as("" if config.granted else config.provider, config.job_project)
        tables, accounts = await _tables(config, ctx, source)
        exports = await _exports(config, ctx, source, tables)
        await ctx.warehouse.ensure(table)
        etl = BillingCopy(config, ctx, source, table, exports, config.most_gib * _GIB, accounts)
        exported, again = await etl.look()
        await etl.check(again)
        for span in again:
            await etl.copy(span)
        if not exported:
            await ctx.message("the export has no rows of these days")
        await tell_of_newer(ctx, etl.superseded)
        return StepResult(etl.progress.rows, etl.progress.bytes, {**etl.output(again), "days_exported": len(exported)})


def _table(config: BillingDeclared, ctx: StepContext) -> TableSchema:
    target = config.destination
    folder = "/".join(str(ctx.variables[name]) for name in ("provider", "domain") if ctx.variables.get(name))
    schema = ctx.schemas.file(target.schema_file, folder) if target.schema_file else ctx.schemas.table(target.table)
    return evolve(schema, name=target.table)


async def _tables(
    config: BillingDeclared, ctx: StepContext, source: Source
) -> tuple[tuple[TablePath, ...], tuple[str, ...]]:
    """Return the tables, and whose rows of them are meant where that is not all."""
    if config.granted:
        granted = granted_tables(ctx.org, ctx.schemas.text(granted_file(ctx.org)))
        return granted.tables, granted.accounts
    metadata: Mapping[str, Any] = {}
    if not config.source.settled:
        metadata = (await ctx.vault.stored(config.provider)).metadata
    return export_tables(config.source, metadata, source.project), ()


async def _exports(
    config: BillingDeclared, ctx: StepContext, source: Source, tables: tuple[TablePath, ...]
) -> list[ExportSql]:
    statements, columns = (clauses(ctx.schemas.sql(path)) for path in (config.statements_sql, config.columns_sql))
    return [
        ExportSql(path, await source.describe(path), statements, columns, granted=config.granted) for path in tables
    ]


def get_engine() -> GcpBqEtl:
    """Return the engine of `gcp.bq_etl`."""
    return GcpBqEtl()
