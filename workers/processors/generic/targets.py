"""Where extracted rows go: the table as it is declared, and the load that fills it as the step's write mode says."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from attrs import evolve

from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.fields import RAW, RAW_DATA, Contract, with_lineage
from workers.model.pipeline import Destination
from workers.model.table import TableSchema
from workers.ports import Load, StepContext
from workers.processors.generic.declared import ExtractorDeclared


def declared_table(ctx: StepContext, target: Destination) -> TableSchema:
    """Return the table of the schema file that the step names, or of the one that declares its table."""
    folder = "/".join(str(ctx.variables[name]) for name in ("provider", "domain") if ctx.variables.get(name))
    schema = ctx.schemas.file(target.schema_file, folder) if target.schema_file else ctx.schemas.table(target.table)
    return with_lineage(evolve(schema, name=target.table))


def contract_of(declared: ExtractorDeclared, table: TableSchema) -> Contract:
    """Return what is declared; else what a table of a schema file allows: keep in a raw column, or refuse."""
    keeps = any(table.column(name) is not None for name in (RAW, RAW_DATA))
    contract = declared.schema.contract or (Contract.RAW if keeps else Contract.FREEZE)
    if contract is Contract.RAW and not keeps:
        raise invalid(f"contract raw needs a column {RAW} or {RAW_DATA} in table {table.name}")
    return contract


def check_keys(table: TableSchema, target: Destination) -> None:
    """Refuse key fields that are no columns."""
    for key in target.key_fields:
        if table.column(key) is None:
            raise invalid(f"key field {key} is no column of table {table.name}")


def open_load(ctx: StepContext, declared: ExtractorDeclared, table: TableSchema) -> AbstractAsyncContextManager[Load]:
    """Open the load that the write mode asks for."""
    target = declared.destination
    match target.write_mode:
        case "merge":
            whose = f"{ctx.variables['pipeline_id']}/{ctx.step.step_id}"
            return ctx.warehouse.merge(table, target.key_fields, whose)
        case "overwrite":
            allowed = declared.allow_shrink or ctx.force_refresh
            return ctx.warehouse.restate(table, None, allow_shrink=allowed, keys=target.key_fields)
        case _:
            return ctx.warehouse.append(table, keys=target.key_fields)


def invalid(message: str) -> FailedError:
    """Build the error of a declaration that a run cannot follow."""
    return FailedError(Failure(Code.FAILED_PRECONDITION, Reason.CONFIG_INVALID, message))
