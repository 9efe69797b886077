"""Where extracted rows go: the table as declared, as it is, or as rows show it; and the load that fills it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from attrs import evolve, frozen

from workers.model.conversion import is_convertible
from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.fields import RAW, RAW_DATA, Contract, Fields, with_lineage
from workers.model.inference import InferenceError, infer_columns, inferred_table, merged
from workers.model.pipeline import Destination
from workers.model.table import TableSchema
from workers.model.window import DateWindow
from workers.ports import Load, StepContext
from workers.processors.generic.declared import ExtractorDeclared
from workers.processors.generic.layouts import TableLayout

Rows = Iterable[Mapping[str, Any]]


@frozen
class Target:
    """A step's destination; `window` are the days that write_mode overwrite replaces, all of the table when None."""

    ctx: StepContext
    declared: ExtractorDeclared
    window: DateWindow | None = None

    async def known_table(self) -> TableSchema | None:
        """Return the table as declared or as it is, or both; None when only rows can show what it has to be."""
        target, name = self.declared.destination, self.declared.destination.table
        declares = bool(target.schema_file) or self.ctx.schemas.declared(name)
        if not declares:
            return _writable(await self.ctx.warehouse.describe(name))
        table = declared_table(self.ctx, target)
        if self._contract(table) is not Contract.EVOLVE:
            return table
        return merged(table, await self.ctx.warehouse.describe(name))

    def table_of(self, rows: Rows) -> TableSchema:
        """Make a table of the first rows; raises FailedError(SCHEMA_CONFLICT) when they make none."""
        rows = list(rows)
        names = dict.fromkeys(name for row in rows for name in row)
        destination, schema = self.declared.destination, self.declared.schema
        wanted = [name for name in names if name not in schema.ignore]
        try:
            columns = infer_columns(rows, wanted, schema.types)
            table = inferred_table(destination.table, columns, schema.contract or Contract.EVOLVE)
            return TableLayout.of(destination.table_config).laid_out(table)
        except ValueError as error:
            raise _conflict(f"table {destination.table} cannot be made from the rows: {error}") from None

    def widened(self, table: TableSchema, rows: list[Mapping[str, Any]], names: list[str]) -> TableSchema:
        """Return the table with columns for more fields."""
        try:
            more = infer_columns(rows, names, self.declared.schema.types)
        except InferenceError as error:
            raise _conflict(f"table {table.name} cannot take more columns: {error}") from None
        return evolve(table, columns=(*table.columns, *more))

    def fields(self, table: TableSchema) -> Fields:
        """Return how fields go to its columns; raises FailedError(CONFIG_INVALID)."""
        for key in self.declared.destination.key_fields:
            if table.column(key) is None:
                raise invalid(f"key field {key} is no column of table {table.name}")
        ignored = frozenset(self.declared.schema.ignore)
        return Fields(table, self._contract(table), self.declared.destination.key_fields, ignored)

    def open(self, table: TableSchema) -> AbstractAsyncContextManager[Load]:
        """Open the load that the write mode asks for."""
        warehouse, target = self.ctx.warehouse, self.declared.destination
        match target.write_mode:
            case "merge":
                return warehouse.merge(table, target.key_fields, whose(self.ctx))
            case "overwrite":
                allowed = self.declared.allow_shrink or self.ctx.force_refresh
                return warehouse.restate(table, self.window, allow_shrink=allowed, keys=target.key_fields)
            case _:
                return warehouse.append(table, keys=target.key_fields)

    def _contract(self, table: TableSchema) -> Contract:
        """Return what is declared; else for a table of a schema file what it allows: a raw column, or nothing more."""
        keeps = any(table.column(name) is not None for name in (RAW, RAW_DATA))
        destination = self.declared.destination
        of_file = bool(destination.schema_file) or self.ctx.schemas.declared(destination.table)
        usual = Contract.EVOLVE if not of_file else Contract.RAW if keeps else Contract.FREEZE
        contract = self.declared.schema.contract or usual
        if contract is Contract.RAW and not keeps:
            raise invalid(f"contract raw needs a column {RAW} or {RAW_DATA} in table {table.name}")
        return contract


def declared_table(ctx: StepContext, target: Destination) -> TableSchema:
    """Return the table of the schema file that the step names, or of the one that declares its table."""
    folder = "/".join(str(ctx.variables[name]) for name in ("provider", "domain") if ctx.variables.get(name))
    schema = ctx.schemas.file(target.schema_file, folder) if target.schema_file else ctx.schemas.table(target.table)
    return with_lineage(evolve(schema, name=target.table))


def _writable(table: TableSchema | None) -> TableSchema | None:
    """Refuse a table of somebody else's making whose columns cannot all be written."""
    odd = [f"{column.name} {column.type}" for column in table.columns if not is_convertible(column)] if table else []
    if table and odd:
        message = f"table {table.name} has columns that cannot be written ({', '.join(odd)}): declare a schema_file"
        raise _conflict(message)
    return table


def whose(ctx: StepContext) -> str:
    """Name this step of this pipeline: what tells apart those who merge into one table."""
    return f"{ctx.variables['pipeline_id']}/{ctx.step.step_id}"


def invalid(message: str) -> FailedError:
    """Build the error of a declaration that a run cannot follow."""
    return FailedError(Failure(Code.FAILED_PRECONDITION, Reason.CONFIG_INVALID, message))


def _conflict(message: str) -> FailedError:
    return FailedError(Failure(Code.FAILED_PRECONDITION, Reason.SCHEMA_CONFLICT, message))
