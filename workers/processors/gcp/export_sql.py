"""What is asked of an export table, from the clauses below configs/gcp/cost/sql: only columns that it has. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from attrs import frozen

from workers.model.table import Column, TableSchema, identifier
from workers.model.table_path import TablePath
from workers.ports import SourceTable

_CLAUSE = re.compile(r"^-- name: *(\S+)(?: of (\S+))?[ \t]*\n", re.MULTILINE)
_BLANK = re.compile(r"\{([a-z_]+)\}")
_FILLED_IN = frozenset({"org_slug", "run_id", "ingested_at", "source_hash"})


@frozen
class Clause:
    """A piece of SQL, and the column of the export that it takes."""

    text: str
    of: str = ""


def clauses(text: str) -> Mapping[str, Clause]:
    """Read a file of named clauses."""
    _, *pieces = _CLAUSE.split(text)
    named = zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True)
    return {name: Clause(body.strip(), of or "") for name, of, body in named}


@frozen
class ExportSql:
    """Writes the SELECTs for one export table as it is; their parameters are first_day and last_day.

    Of one that is `granted` only rows of `billing_accounts` are meant, a parameter, and JSON comes as JSON: such rows
    stay in BigQuery, where others are loaded as text.
    """

    path: TablePath
    found: SourceTable
    statements: Mapping[str, Clause]
    columns: Mapping[str, Clause]
    granted: bool = False

    @property
    def days(self) -> str:
        """What there is of each day: day, exported_until, row_count."""
        return self._filled("days")

    def rows(self, table: TableSchema) -> str:
        """All rows of days, with the columns of `table`.

        Raises ValueError when the export lacks what a REQUIRED column is made of.
        """
        values = (self._value(column) for column in table.columns if column.name not in _FILLED_IN)
        return self._filled("rows", columns=",\n  ".join(values))

    def _value(self, column: Column) -> str:
        clause = self.columns.get(column.name)
        if clause is not None and clause.of in self.found.columns:
            value = _fill(clause.text, day=self._of_day("day"))
        elif column.mode == "REQUIRED":
            raise ValueError(f"{self.path} has no column {clause.of if clause else column.name}")
        else:
            value = _fill(self.statements["absent"].text, type="STRING" if column.type == "JSON" else column.type)
        form = "column.json" if self.granted and column.type == "JSON" else "column"
        return _fill(self.statements[form].text, value=value, name=identifier(column.name))

    def _filled(self, name: str, **more: str) -> str:
        day, within = self._of_day("day"), self._of_day("within")
        if self.granted:
            within = _fill(self.statements["within.granted"].text, within=within)
        return _fill(self.statements[name].text, day=day, within=within, table=self.path.quoted, **more)

    def _of_day(self, name: str) -> str:
        return self.statements[f"{name}.{'arrival' if self.found.by_arrival else 'exported'}"].text


def all_rows(exports: Sequence[ExportSql], table: TableSchema) -> str:
    """Write one SELECT of the rows of several exports."""
    together = exports[0].statements["and"].text
    return f"\n{together}\n".join(export.rows(table) for export in exports)


def _fill(template: str, **blanks: str) -> str:
    return _BLANK.sub(lambda blank: blanks[blank[1]], template)
