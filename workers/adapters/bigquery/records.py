"""Rows of a table as Arrow batches: columns checked and typed, unknown ones refused.

Given the declaration and the organisation; hands on batches with the columns a stage has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
from attrs import field, frozen

from workers.adapters.bigquery.columns import UnfitError, array, arrow_field, fitted
from workers.adapters.bigquery.sources import ORDINAL
from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.table import IDENTIFIER, Column
from workers.ports import Row


@frozen
class Records:
    """Turns rows into batches. With an `org`, rows without `org_slug` get it and others' rows are refused.

    The ORDINAL column, where there is one, numbers the rows from 0.
    """

    table: str
    columns: tuple[Column, ...]
    org: str = ""
    schema: pa.Schema = field(init=False)
    _names: frozenset[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "schema", pa.schema([arrow_field(column) for column in self.columns]))
        object.__setattr__(self, "_names", frozenset(column.name for column in self.columns))

    def batch(self, rows: Sequence[Row], before: int) -> pa.RecordBatch:
        """Convert rows, `before` of which came earlier.

        Raises FailedError(DATA_INVALID) naming the row (from 1) and the column, never a value.
        """
        self._refuse_unknown(rows, before)
        arrays = []
        for column in self.columns:
            try:
                arrays.append(array(column, self._values(column, rows, before)))
            except UnfitError as unfit:
                raise self._invalid(before + unfit.index, column.name, unfit.why) from None
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def fitted(self, batch: pa.RecordBatch, before: int) -> pa.RecordBatch:
        """Return rows that come in columns as those of the table; a column that the batch lacks is null.

        Raises FailedError(DATA_INVALID) as `batch` does, without the row where only the column is known.
        """
        self._refuse_undeclared(batch.schema.names, before)
        arrays = []
        for column, declared in zip(self.columns, self.schema, strict=True):
            try:
                arrays.append(self._fitted(column, declared.type, batch, before))
            except UnfitError as unfit:
                raise self._invalid(before + unfit.index, column.name, unfit.why) from None
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _fitted(self, column: Column, kind: pa.DataType, batch: pa.RecordBatch, before: int) -> pa.Array:
        if column is ORDINAL:
            return pa.array(range(before, before + batch.num_rows), kind)
        if column.name not in batch.schema.names:
            absent = self.org if self.org and column.name == "org_slug" else None
            return fitted(column, pa.repeat(pa.scalar(absent, kind), batch.num_rows))
        values = fitted(column, batch.column(column.name))
        if self.org and column.name == "org_slug" and values.unique().to_pylist() != [self.org]:
            raise UnfitError(0, "is another organisation's")
        return values

    def _values(self, column: Column, rows: Sequence[Row], before: int) -> list[Any]:
        if column is ORDINAL:
            return list(range(before, before + len(rows)))
        if not self.org or column.name != "org_slug":
            return [row.get(column.name) for row in rows]
        values = [row.get(column.name, self.org) for row in rows]
        if values.count(self.org) < len(values):
            index = next(index for index, value in enumerate(values) if value != self.org)
            raise UnfitError(index, "is another organisation's")
        return values

    def _refuse_unknown(self, rows: Sequence[Row], before: int) -> None:
        for index, row in enumerate(rows):
            if not self._names.issuperset(row):
                self._refuse_undeclared(row.keys(), before + index)

    def _refuse_undeclared(self, names: Iterable[Any], index: int) -> None:
        for name in sorted(str(name) for name in {*names} - self._names)[:1]:
            shown = name if IDENTIFIER.match(name) else "with a name that is none"
            raise self._invalid(index, shown, "is not declared or is filled in by the warehouse")

    def _invalid(self, index: int, column: str, why: str) -> FailedError:
        message = f"row {index + 1} for table {self.table}: column {column} {why}"
        metadata = {"table": self.table, "row": str(index + 1), "column": column}
        return FailedError(Failure(Code.FAILED_PRECONDITION, Reason.DATA_INVALID, message, metadata=metadata))
