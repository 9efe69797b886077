"""Repair: INFORMATION_SCHEMA.ROUTINE_OPTIONS does not exist, which is where a listing finds descriptions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bqemulator.sql.rewriter import information_schema

from sandbox.bigquery.patching import wrap_everywhere

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

_COLUMNS = "specific_catalog, specific_schema, specific_name, option_name, option_type, option_value"


def routine_options() -> None:
    """Give the view one row for each routine that has a description."""
    wrap_everywhere(information_schema.expand_information_schema_routines, _expand)


def _expand(expand: Callable[..., str], sql: str, project_id: str, catalog: Any) -> str:
    def of_project(match: re.Match[str]) -> str:
        return _view(catalog, match.group("project"), match.group("dataset"))

    def of_dataset(match: re.Match[str]) -> str:
        return _view(catalog, project_id, match.group("dataset"))

    sql = expand(sql, project_id, catalog)
    by_project, by_dataset, _ = information_schema._build_patterns("ROUTINE_OPTIONS")  # noqa: SLF001
    return by_dataset.sub(of_dataset, by_project.sub(of_project, sql))


def _view(catalog: Any, project: str, dataset: str) -> str:
    rows = [
        (
            project,
            dataset,
            routine.routine_id,
            "description",
            "STRING",
            json.dumps(routine.description).replace("\\", "\\\\"),
        )
        for routine in catalog.list_routines(project, dataset)
        if routine.description
    ]
    literals = [", ".join(information_schema._sql_literal(value) for value in row) for row in rows]  # noqa: SLF001
    values = ", ".join(f"({literal})" for literal in literals) or f"({', '.join(['NULL'] * 6)})"
    # The values are quoted, and the SQL runs in the emulator's own process.
    return f"(SELECT * FROM (VALUES {values}) AS v({_COLUMNS}) WHERE specific_name IS NOT NULL)"  # noqa: S608


def _literal(text: str) -> str:
    """Write a text as BigQuery shows it, quoted; its backslashes survive one reading of SQL."""
    return json.dumps(text).replace("\\", "\\\\")
