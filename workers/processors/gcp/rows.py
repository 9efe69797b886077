"""Rows of Google's lists as rows of a table: columns found in them, what is the same for all, and the whole as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import field, frozen

from workers.model.conversion import Convert, converter
from workers.model.failure import Code, FailedError, Failure, Reason, provider_failed
from workers.model.fields import EXTRACTED_AT, RAW_DATA
from workers.model.page import Page
from workers.model.table import TableSchema
from workers.processors.gcp.coverage import Coverage
from workers.processors.gcp.declared import MapDeclared
from workers.processors.gcp.requests import UNREACHABLE, WARNING
from workers.rest.shaping import Shape, ShapeError

PROJECT_COLUMN = "gcp_project_id"


@frozen
class Scoped:
    """One resource as it was received, and the scope of the map it stood in."""

    resource: Mapping[str, Any]
    scope: str = ""


def scoped_rows(page: Page, shape: MapDeclared | None, coverage: Coverage) -> Iterator[Scoped]:
    """Yield the resources of a page and tell `coverage` what it says; raises FailedError(PROVIDER_BAD_RESPONSE)."""
    try:
        for name in UNREACHABLE:
            coverage.answer(None, page.fields.get(name))
        coverage.answer(page.fields.get(WARNING), None)
    except ValueError as error:
        raise bad_answer(page, str(error)) from None
    if shape is None:
        yield from (Scoped(row) for row in page.rows)
        return
    rows = Shape({"rows": shape.rows})
    for entry in page.rows:
        yield from _of_scope(page, entry["key"], entry["value"], rows, coverage)


def _of_scope(page: Page, scope: str, value: Any, rows: Shape, coverage: Coverage) -> Iterator[Scoped]:
    try:
        found = rows.columns(value)["rows"] if isinstance(value, Mapping) else value
    except ShapeError as error:
        raise bad_answer(page, f"a scope of the map has {error}") from None
    if not isinstance(value, Mapping) or not _are_objects(found):
        raise bad_answer(page, "a scope of the map has no list of objects")
    coverage.scope(scope, value.get(WARNING))
    yield from (Scoped(resource, scope) for resource in found or ())


def _are_objects(found: Any) -> bool:
    return found is None or (isinstance(found, list) and all(isinstance(one, Mapping) for one in found))


@frozen
class Maker:
    """Makes rows of one table; `same` are the columns that all rows share."""

    table: TableSchema
    flatten: Mapping[str, str]
    same: Mapping[str, Any]
    scope_column: str = ""
    _shape: Shape = field(init=False)
    _converters: Mapping[str, Convert] = field(init=False)

    @_shape.default
    def _shaping(self) -> Shape:
        return Shape(self.flatten, self.same)

    @_converters.default
    def _by_column(self) -> Mapping[str, Convert]:
        # What the service makes itself has its type already.
        ours = {RAW_DATA, EXTRACTED_AT, "source_hash", self.table.partition}
        return {column.name: converter(column) for column in self.table.columns if column.name not in ours}

    def row(self, scoped: Scoped, page: Page, number: int) -> dict[str, Any]:
        """Return a row; raises FailedError(DATA_INVALID) naming its number on the page, and the column."""
        try:
            columns = self._shape.columns(scoped.resource)
        except ShapeError as error:
            raise _unfit(page, number, error.column, error.why) from None
        if self.scope_column:
            columns[self.scope_column] = scoped.scope
        columns |= {RAW_DATA: scoped.resource, "source_hash": page.receipt.sha256}
        return {name: self._converted(name, value, page, number) for name, value in columns.items()}

    def _converted(self, name: str, value: Any, page: Page, number: int) -> Any:
        if name not in self._converters:
            return value
        try:
            return self._converters[name](value)
        except ValueError as error:
            raise _unfit(page, number, name, str(error)) from None


def bad_answer(page: Page, what: str) -> FailedError:
    """Build the error of an answer that is not what the specification says."""
    return provider_failed(Reason.PROVIDER_BAD_RESPONSE, f"{page.receipt.url}: {what}", retryable=False)


def _unfit(page: Page, number: int, column: str, why: str) -> FailedError:
    where = f"{page.receipt.url}: row {number} of page {page.receipt.number}"
    metadata = {"column": column, "row": str(number), "page": str(page.receipt.number)}
    return FailedError(
        Failure(Code.FAILED_PRECONDITION, Reason.DATA_INVALID, f"{where}: column {column} {why}", metadata=metadata)
    )
