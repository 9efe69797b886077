"""Repair: nothing keeps NULL out of a REQUIRED column."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bqemulator.catalog.duckdb_repository import DuckDBCatalogRepository
from bqemulator.domain.errors import InvalidQueryError
from bqemulator.jobs import error_mapper
from bqemulator.storage.sql_identifiers import quoted_table_ref

from sandbox.bigquery.patching import wrap, wrap_everywhere

if TYPE_CHECKING:
    from collections.abc import Callable

_NULL = re.compile(r"NOT NULL constraint failed: (?:.*\.)?(\S+)")


def required_columns() -> None:
    """Declare REQUIRED columns NOT NULL in storage and say which one was left empty."""
    wrap(DuckDBCatalogRepository, "create_table", _constrain)
    wrap_everywhere(error_mapper.translate_runtime_error, _name_column)


def _constrain(create: Callable[..., Any], catalog: Any, table: Any) -> Any:
    created = create(catalog, table)
    if created.table_type == "TABLE":
        reference = quoted_table_ref(created.project_id, created.dataset_id, created.table_id)
        for field in created.schema_.fields:
            if field.mode == "REQUIRED":
                catalog._engine.execute(  # noqa: SLF001
                    f'ALTER TABLE {reference} ALTER COLUMN "{field.name}" SET NOT NULL'
                )
    return created


def _name_column(translate: Callable[..., Any], error: BaseException, **hints: Any) -> Any:
    if match := _NULL.search(str(error)):
        return InvalidQueryError(f"Required field {match[1]} cannot be null", location="query")
    return translate(error, **hints)
