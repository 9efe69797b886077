"""Repair: a patched schema changes only what is told of the table, ALTER TABLE only the table itself.

A column added through the API does not exist for queries; one added by SQL does not exist for the API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlglot
from bqemulator.api.routes import tables
from bqemulator.catalog import ddl_sync
from bqemulator.catalog.models import TableSchema
from bqemulator.domain.errors import ValidationError
from bqemulator.storage.sql_identifiers import quoted_table_ref
from bqemulator.storage.type_map import bq_schema_to_duckdb_columns
from sqlglot import exp

from sandbox.bigquery.patching import wrap_everywhere, wrap_route

if TYPE_CHECKING:
    from collections.abc import Callable


def schema_patches() -> None:
    """Alter storage by the patch before it is recorded, and read the schema again after an ALTER."""
    for endpoint in (tables.patch_table, tables.update_table):
        wrap_route(tables.router, endpoint, _alter_then_record)
    wrap_everywhere(ddl_sync.sync_created_table, _sync_then_reread)


async def _alter_then_record(record: Callable[..., Any], **given: Any) -> Any:
    table = given["ctx"].catalog.get_table(given["project_id"], given["dataset_id"], given["table_id"])
    fields = ((await given["request"].json()).get("schema") or {}).get("fields")
    if table is not None and fields:
        _alter(table, fields, given["ctx"])
    return await record(**given)


def _alter(table: Any, fields: list[dict[str, Any]], ctx: Any) -> None:
    reference = quoted_table_ref(table.project_id, table.dataset_id, table.table_id)
    old = {field.name.lower(): field for field in table.schema_.fields}
    missing = old.keys() - {field["name"].lower() for field in fields}
    if missing:
        raise ValidationError(f"Provided Schema does not match Table: fields are missing: {', '.join(sorted(missing))}")
    for field in fields:
        mode = field.get("mode", "NULLABLE")
        before = old.get(field["name"].lower())
        if before is None:
            _add(reference, field, mode, ctx)
        elif before.mode == "REQUIRED" and mode == "NULLABLE":
            ctx.engine.execute(f'ALTER TABLE {reference} ALTER COLUMN "{before.name}" DROP NOT NULL')
        elif before.mode != mode or _duckdb_type(field) != _duckdb_type(tables._field_to_rest(before)):  # noqa: SLF001
            raise ValidationError(f"Provided Schema does not match Table: field {before.name} has changed")


def _add(reference: str, field: dict[str, Any], mode: str, ctx: Any) -> None:
    if mode == "REQUIRED":
        message = f"Cannot add required fields to an existing schema (field: {field['name']})"
        raise ValidationError(f"Provided Schema does not match Table. {message}")
    ctx.engine.execute(f'ALTER TABLE {reference} ADD COLUMN "{field["name"]}" {_duckdb_type(field)}')


def _duckdb_type(field: dict[str, Any]) -> str:
    return bq_schema_to_duckdb_columns([field])[0][1]


def _sync_then_reread(sync: Callable[..., None], sql: str, project_id: str, ctx: Any) -> None:
    """Record the columns a table has after ALTER TABLE, keeping what was known of those it had before."""
    sync(sql, project_id, ctx)
    if "ALTER" not in sql.upper() or not isinstance(tree := _parse(sql), exp.Alter):
        return
    key = ddl_sync._split_target(tree.this, project_id)  # noqa: SLF001
    table = ctx.catalog.get_table(*key)
    if table is None or table.table_type != "TABLE":
        return
    known = {field.name: field for field in table.schema_.fields}
    stored = ddl_sync._introspect_schema(*key, ctx).fields  # noqa: SLF001
    schema = TableSchema(fields=tuple(known.get(field.name, field) for field in stored))
    ctx.catalog.update_table(table.model_copy(update={"schema_": schema}))


def _parse(sql: str) -> Any:
    try:
        return sqlglot.parse_one(sql, read="bigquery")
    except sqlglot.errors.ParseError:
        return None
